/* A library with a thread-local block, for test_leaks.c to load. */
__attribute__((visibility("default"))) char *touch(void);

static _Thread_local char block[8];

char *touch(void)
{
    block[0] = 1;
    return block;
}
