int defined_nowhere();
extern "C" int answer();
int answer() { return defined_nowhere(); }
