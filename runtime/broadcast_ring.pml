/* Model of broadcast_ring.hpp with parking.hpp: publishing, losing and parking under x86-TSO.
 *
 * Check all variants:  cmake/check_model.sh runtime/broadcast_ring.pml [--large]
 * or one by hand:      spin -a -DEVENTS=3 broadcast_ring.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 *
 * variant: -DEVENTS=4
 * variant: -DEVENTS=3 -DCAPACITY=1
 * variant: -DEVENTS=3 -DCLOSING
 * variant: -DEVENTS=2 -DREADERS=2
 * variant: -DEVENTS=1 -DPRODUCERS=2
 * variant: -DEVENTS=1 -DPRODUCERS=2 -DCAPACITY=1
 * large: -DEVENTS=3 -DREADERS=2
 * large: -DEVENTS=2 -DPRODUCERS=2
 * large: -DEVENTS=2 -DPRODUCERS=2 -DCAPACITY=1
 * must fail: -DEVENTS=2 -DNO_HEAVY_FENCE
 * must fail: -DEVENTS=2 -DARM_AFTER_LOOK
 * must fail: -DEVENTS=4 -DNO_BUSY_TURN
 * must fail: -DEVENTS=4 -DNO_SECOND_LOOK
 *
 * A producer's plain stores go into its store buffer and reach memory later, in order; a read-modify-write waits until
 * its own buffer is empty. membarrier makes what others had stored before it reach memory. Claims:
 *   a reader never takes a torn record (assertion in look);
 *   received + lagged == published for every reader (assertion at its end);
 *   nobody sleeps for ever (no invalid end state). Without CLOSING readers stop by themselves after the last record,
 *   so that the wake of close() cannot make up for a lost one.
 */

#ifndef PRODUCERS
#define PRODUCERS 1
#endif
#ifndef READERS
#define READERS 1
#endif
#ifndef EVENTS
#define EVENTS 4
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif
#define KEPT (CAPACITY - CAPACITY / 4)
#define NEVER 255

byte turn[CAPACITY];    /* 2n+1 busy, 2n+2 ready */
byte first[CAPACITY];   /* the record: two words, both n */
byte second[CAPACITY];
byte tail;
#ifdef CLOSING
byte closed_at = NEVER;
#else
#define closed_at (PRODUCERS * EVENTS)
#endif

mtype = { something, nothing, the_end };

bool armed;
byte epoch;
bool asleep[READERS];

chan buffer[PRODUCERS] = [2] of { byte };  /* records whose stores are on their way */
byte issued[PRODUCERS];
byte drained[PRODUCERS];
byte finished;

inline wake() {
  bool was_armed;
  atomic { was_armed = armed; armed = false }
  if
  :: was_armed ->
    epoch++;
    atomic { for (r : 0 .. READERS - 1) { asleep[r] = false } }
  :: else
  fi
}

/* Memory takes in the stores of one producer, one by one. */
proctype StoreBuffer(byte id) {
  byte n;
  do
  :: buffer[id]?<n> ->
#ifndef NO_BUSY_TURN
    turn[n % CAPACITY] = 2 * n + 1;
#endif
    first[n % CAPACITY] = n;
    second[n % CAPACITY] = n;
    turn[n % CAPACITY] = 2 * n + 2;
    atomic { buffer[id]?n; drained[id]++ }
  :: finished == PRODUCERS && empty(buffer[id]) -> break
  od
}

proctype Producer(byte id) {
  byte n, k, r;
  for (k : 1 .. EVENTS) {
#if PRODUCERS == 1
    /* The only producer's tail is a plain store too. It counts only for readers that have lost something; that it is
     * seen early or late among the record's stores makes no difference there, so it is stored at once. */
    n = tail;
    tail = n + 1;
#else
    atomic { empty(buffer[id]) -> n = tail; tail++ }
    if
    :: n >= CAPACITY -> turn[n % CAPACITY] == 2 * (n - CAPACITY) + 2
    :: else
    fi;
#endif
    atomic { nfull(buffer[id]) -> buffer[id]!n; issued[id]++ }
    if
    :: armed -> empty(buffer[id]); wake()
    :: else
    fi
  }
  empty(buffer[id]);
  finished++
}

#ifdef CLOSING
proctype Closer() {
  byte r;
  finished == PRODUCERS;
  closed_at = tail;
  wake()
}
#endif

/* One step of a receive: takes the record at `place`, or skips what is lost, or finds nothing. */
inline look() {
  found = nothing;
  seen = turn[place % CAPACITY];
  if
  :: seen == 2 * place + 2 ->
    a = first[place % CAPACITY];
    b = second[place % CAPACITY];
#ifndef NO_SECOND_LOOK
    seen = turn[place % CAPACITY];
#endif
    if
    :: seen == 2 * place + 2 ->
      assert(a == place && b == place);
      received++;
      place++;
      found = something
    :: else
    fi
  :: else
  fi;
  if
  :: found == nothing && seen > 2 * place + 2 ->
    resumed = (tail > KEPT -> tail - KEPT : 0);
    resumed = (resumed > place -> resumed : place + 1);
    lagged = lagged + (resumed - place);
    place = resumed;
    found = something
  :: found == nothing && seen < 2 * place + 2 && closed_at <= place -> found = the_end
  :: else
  fi;
  skip;
  d_step { seen = 0; a = 0; b = 0; resumed = 0 }
}

proctype Reader(byte id) {
  byte place, received, lagged, seen, a, b, resumed, before, p;
  byte needed[PRODUCERS];
  mtype found;
  do
  :: look();
    if
    :: found == the_end -> break
    :: found == something
    :: found == nothing ->
      before = epoch;
#ifndef ARM_AFTER_LOOK
      armed = true;
#endif
#ifndef NO_HEAVY_FENCE
      atomic { for (p : 0 .. PRODUCERS - 1) { needed[p] = issued[p] } }
      for (p : 0 .. PRODUCERS - 1) { drained[p] >= needed[p] }
      atomic { for (p : 0 .. PRODUCERS - 1) { needed[p] = 0 }; p = 0 }
#endif
      look();
#ifdef ARM_AFTER_LOOK
      armed = true;
#endif
      if
      :: found == the_end -> break
      :: found == something
      :: found == nothing ->
        atomic { asleep[id] = (epoch == before); before = 0 }
        !asleep[id]
      fi
    fi
  od;
  assert(received + lagged == PRODUCERS * EVENTS)
}

init {
  byte i;
  atomic {
    for (i : 0 .. PRODUCERS - 1) { run Producer(i); run StoreBuffer(i) }
    for (i : 0 .. READERS - 1) { run Reader(i) }
#ifdef CLOSING
    run Closer()
#endif
  }
}
