#ifndef HEADLESS_TASKS_H
#define HEADLESS_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * The processes of the session, watched through /proc: are they all asleep, so that nothing will
 * happen in it until the compositor does something?
 *
 * A look at each thread in turn is not a look at all of them at one time. So there are two rounds,
 * from the root of the session down. In both, each thread must be there and asleep, and it must not
 * have run from its look in the first round to that in the second, which is told by how often the
 * kernel gave it a processor, read *before* its state. In the first round, it must also be off its
 * processor. Then all of them slept when the second round began:
 *
 * - One that is seen in both rounds slept from the first look to the second.
 * - One that is in neither has begun or lost its parent since, or somebody beside it in its parent's
 *   list has ended while that was read: another one has run that is seen, is missing in one of the
 *   rounds, or is found gone when it is looked at.
 *
 * Whoever sleeps is woken by another thread, of which there is none awake; by a timer, which the
 * client clock has taken the place of (clock.h); or by the compositor. Terminals are in between, and
 * hand on what they have between the rounds (terminals.h).
 */
struct tasks;

struct tasks *tasks_create(void);
void tasks_destroy(struct tasks *tasks);

/** Whether these processes and all their descendants are asleep. Those that are gone are. */
bool tasks_are_asleep(struct tasks *tasks, const pid_t *roots, size_t roots_len);
/** The time that processors have spent on those that exist, ns. */
uint64_t tasks_get_processor_time(struct tasks *tasks, const pid_t *roots, size_t roots_len);
/**
 * Whether any of them has run between the last two times that tasks_are_asleep() was true (or
 * one came, or one went).
 */
bool tasks_have_run(const struct tasks *tasks);
/** For a message: who was awake last, as "NAME (pid N)". Valid until the next call. */
const char *tasks_describe_awake(struct tasks *tasks);

#endif
