// The same program read as C++.
#include "client.c"
