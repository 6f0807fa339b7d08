/*
 * Destroying what a producer has, in every order.
 */
#ifndef TESTS_CLIENTS_ORDERS_H
#define TESTS_CLIENTS_ORDERS_H

#include "options.h"

/** Do what --orders says. Returns the exit status. */
int orders_run(const struct options *options);

#endif
