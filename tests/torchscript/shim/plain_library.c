/* A library that is no shim, for test_shim_load.c. */
int tdag_test_plain(void);

int tdag_test_plain(void) { return 1; }
