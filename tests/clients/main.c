/*
 * vram-client: a producer, to test compositors with. See README.md.
 */
#include "bad.h"
#include "options.h"
#include "orders.h"
#include "producer.h"
#include "step.h"

int main(int argc, char *argv[]) {
	struct producer producer = { 0 };
	int status = options_init(&producer.options, argc, argv);
	if (status < 0 && producer.options.list_bad) {
		bad_list();
		status = STATUS_OK;
	} else if (status < 0 && producer.options.bad != NULL) {
		status = bad_run(&producer.options);
	} else if (status < 0 && producer.options.orders != NULL) {
		status = orders_run(&producer.options);
	} else if (status < 0) {
		if (producer_init(&producer)) {
			if (producer.options.step) {
				step_run(&producer);
			} else {
				producer_run(&producer);
			}
		}
		status = (int)producer.loop.status;
		producer_finish(&producer);
	}
	options_finish(&producer.options);
	return status;
}
