/* Model of lease_page.hpp: granting, acquiring, releasing, recycling, leaving and death, under x86-TSO.
 *
 * Check all variants:  cmake/check_model.sh shm/lease.pml
 * or one by hand:      spin -a -DUSES=3 lease.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * variant: -DUSES=3
 * variant: -DUSES=3 -DDEATH
 * variant: -DUSES=2 -DCONSUMERS=2
 * variant: -DUSES=2 -DCONSUMERS=2 -DDEATH
 * variant: -DUSES=3 -DLEAVE
 * variant: -DUSES=2 -DLEAVE -DDEATH
 * must fail: -DUSES=2 -DNO_CONSUMER_FENCE
 * must fail: -DUSES=2 -DNO_OWNER_FENCE
 * must fail: -DUSES=2 -DNO_SECOND_LOOK
 * must fail: -DUSES=2 -DCLOSE_AFTER_LOOK
 * must fail: -DUSES=2 -DRECLAIM_THE_LIVING
 * must fail: -DUSES=2 -DLEAVE -DNO_LOOK_WHETHER_CLOSED
 *
 * One block, which the owner uses again and again, and consumers that lease it: by a grant, or by a handle that came
 * some other way, perhaps late. A plain store goes into the process's store buffer and reaches memory later; a fence
 * waits until the buffer is empty. Buffers hold one store: a second one waits for the first. Claims:
 *   while a living consumer reads, the block holds the generation that it leased (assertions in read);
 *   at the end every use of the block is over: nothing is leaked (assertion at the owner's end);
 *   nobody waits for ever (no invalid end state).
 */

#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef USES
#define USES 3
#endif

byte content;               /* what the owner wrote: the generation */
byte word;                  /* the entry: generation * 2 + 1 published, generation * 2 closed */
byte granted[CONSUMERS];    /* slots: the generation, or 0 */
byte acquired[CONSUMERS];
byte delivered[CONSUMERS];  /* a granted handle on its way */
byte handle;                /* a handle that is known to all, perhaps old */
bool dead[CONSUMERS];
bool closed[CONSUMERS];     /* the owner lets it acquire nothing more */
bool forgotten[CONSUMERS];  /* and looks at its slots no more */
bool done;

/* The consumers' store buffers for their acquired slots: 255 nothing on its way. The owner's one for the entry. */
#define NOTHING 255
byte on_way[CONSUMERS] = NOTHING;
byte word_on_way = NOTHING;

proctype memory_of_consumer(byte me) {
end:
  do
  :: atomic { on_way[me] != NOTHING -> acquired[me] = on_way[me]; on_way[me] = NOTHING }
  od
}

proctype memory_of_owner() {
end:
  do
  :: atomic { word_on_way != NOTHING -> word = word_on_way; word_on_way = NOTHING }
  od
}

inline read(me, generation) {
  assert(dead[me] || content == generation);
  /* and some time later */
  assert(dead[me] || content == generation)
}

/* May die before any of its steps; then it does nothing more, and what is on its way still arrives. */
#ifdef DEATH
#define MAY_DIE(me) if :: skip :: dead[me] = true; goto dead_end fi
#else
#define MAY_DIE(me) skip
#endif

proctype consumer(byte me) {
  byte generation;
  byte seen;
  do
  :: delivered[me] != 0 ->
       generation = delivered[me];
       delivered[me] = 0;
       MAY_DIE(me);
       read(me, generation);
       MAY_DIE(me);
       granted[me] = 0
  :: handle != 0 ->
       generation = handle;
       MAY_DIE(me);
       atomic { on_way[me] == NOTHING -> on_way[me] = generation }
       MAY_DIE(me);
#ifndef NO_CONSUMER_FENCE
       on_way[me] == NOTHING;
#endif
       seen = word;
#ifdef NO_SECOND_LOOK
       seen = generation * 2 + 1;
#endif
#ifndef NO_LOOK_WHETHER_CLOSED
       if
       :: closed[me] -> seen = 0
       :: else -> skip
       fi;
#endif
       if
       :: seen == generation * 2 + 1 ->
            read(me, generation);
            MAY_DIE(me)
       :: else -> skip
       fi;
       atomic { on_way[me] == NOTHING -> on_way[me] = 0 }
  :: done && delivered[me] == 0 -> break
  od;
dead_end:
  skip
}

/* Whether some consumer that lives, or whose death was not noticed yet, has acquired that use. A death is noticed when
 * the kernel tells of it, by when nothing of the dead is on its way any more. */
inline look(generation, leased) {
  leased = false;
  who = 0;
  do
  :: who < CONSUMERS ->
       if
       :: atomic { dead[who] && on_way[who] == NOTHING -> acquired[who] = 0 }
       :: else -> skip
       fi;
#ifdef LEAVE
       /* Closed with a fence behind it, so what is not seen now will look whether it is closed. */
       if
       :: closed[who] && acquired[who] == 0 -> forgotten[who] = true
       :: else -> skip
       fi;
#endif
#ifndef RECLAIM_THE_LIVING
       if
       :: !forgotten[who] && acquired[who] == generation -> leased = true
       :: else -> skip
       fi;
#endif
       who++
  :: else -> break
  od
}

inline close(generation) {
  atomic { word_on_way == NOTHING -> word_on_way = (generation) * 2 }
}

inline fence() {
#ifndef NO_OWNER_FENCE
  word_on_way == NOTHING
#else
  skip
#endif
}

proctype owner() {
  byte generation = 1;
  byte who;
  byte to;
  bool leased;
  do
  :: generation <= USES ->
       content = generation;                        /* a loan: private */
       atomic { word_on_way == NOTHING -> word_on_way = generation * 2 + 1 }
       word_on_way == NOTHING;                      /* the handle goes out after it */
       if
       :: handle = generation                       /* in some message */
       :: !closed[0] -> to = 0; granted[to] = generation; delivered[to] = generation
#if CONSUMERS > 1
       :: !closed[1] -> to = 1; granted[to] = generation; delivered[to] = generation
#endif
       fi;
#ifdef LEAVE
       if
       :: closed[0] = true                          /* its connection has ended */
       :: skip
       fi;
#endif
       /* The owner's own hold goes; those of grants go when their slots are clear, or their holders dead. */
       who = 0;
       do
       :: who < CONSUMERS ->
            if
            :: granted[who] == 0
            :: dead[who] -> granted[who] = 0; delivered[who] = 0
            fi;
            who++
       :: else -> break
       od;
#ifdef CLOSE_AFTER_LOOK
       look(generation, leased);
       close(generation + 1);
       fence();
#else
       close(generation + 1);
       fence();
       look(generation, leased);
#endif
       do
       :: leased -> look(generation, leased)
       :: else -> break
       od;
       content = 0;                                  /* recycled: anything may stand there now */
       generation++
  :: else -> break
  od;
  handle = 0;
  done = true;
  who = 0;
  do
  :: who < CONSUMERS -> assert(granted[who] == 0); who++
  :: else -> break
  od
}

init {
  byte i = 0;
  atomic {
    run owner();
    run memory_of_owner();
    do
    :: i < CONSUMERS -> run consumer(i); run memory_of_consumer(i); i++
    :: else -> break
    od
  }
}
