//! The work of benchmarks/hub.cpp on tokio::sync::broadcast.
//!
//! tokio_broadcast CASE MODE PRODUCERS RECEIVERS EVENTS CAPACITY
//!   CASE  words | heap | inline | lossy | hot | parked      MODE  threads | tasks
//! EVENTS are sent by each producer. Prints deliveries per second over all receivers and the share that was lost, or
//! the median latency in nanoseconds.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError, Receiver, Sender};

/// 64 bytes.
#[derive(Clone, Copy)]
struct Words([u64; 8]);

#[derive(Clone)]
enum Field {
    Integer(i64),
    Real(f64),
    Text(String),
    Flag(bool),
}

/// Name and structured payload on the heap, as a program would write it.
#[derive(Clone)]
struct Heap {
    name: String,
    fields: Vec<(String, Field)>,
}

/// The same in place: a name and packed bytes.
#[derive(Clone, Copy)]
struct Inline {
    name: [u8; 40],
    bytes: [u8; 104],
}

trait Message: Clone + Send + Sync + 'static {
    fn make(number: u64) -> Self;
    fn number(&self) -> u64;
}

impl Message for Words {
    fn make(number: u64) -> Self {
        Words([number; 8])
    }
    fn number(&self) -> u64 {
        self.0[7]
    }
}

impl Message for Heap {
    fn make(number: u64) -> Self {
        Heap {
            name: "sensor.temperature".to_string(),
            fields: vec![
                ("id".to_string(), Field::Integer(number as i64)),
                ("ok".to_string(), Field::Flag(true)),
                ("unit".to_string(), Field::Text("C".to_string())),
                ("celsius".to_string(), Field::Real(21.5)),
            ],
        }
    }
    fn number(&self) -> u64 {
        let mut found = self.name.len() as u64 - 18;
        for (key, field) in &self.fields {
            match field {
                Field::Integer(number) if key == "id" => return found + *number as u64,
                Field::Text(text) => found += text.len() as u64,
                Field::Real(number) => found += *number as u64,
                Field::Flag(flag) => found += *flag as u64,
                _ => {}
            }
        }
        found
    }
}

impl Message for Inline {
    fn make(number: u64) -> Self {
        let mut made = Inline { name: [0; 40], bytes: [0; 104] };
        made.name[..18].copy_from_slice(b"sensor.temperature");
        made.bytes[8..16].copy_from_slice(&number.to_le_bytes());
        made
    }
    fn number(&self) -> u64 {
        u64::from_le_bytes(self.bytes[8..16].try_into().unwrap()) + (self.name[0] == 0) as u64
    }
}

#[repr(align(128))]
struct Line(AtomicU64);

/// Keeps producers less than the capacity ahead of the slowest receiver; looked at every `CHUNK` events.
struct Pace {
    capacity: u64,
    claimed: Line,
    progress: Vec<Line>,
}

const CHUNK: u64 = 512;

impl Pace {
    fn new(capacity: u64, receivers: usize) -> Arc<Self> {
        Arc::new(Pace {
            capacity,
            claimed: Line(AtomicU64::new(0)),
            progress: (0..receivers).map(|_| Line(AtomicU64::new(0))).collect(),
        })
    }
    fn claim(&self) -> u64 {
        self.claimed.0.fetch_add(CHUNK, Ordering::Relaxed) + CHUNK
    }
    fn may_send(&self, end: u64) -> bool {
        let slowest = self.progress.iter().map(|line| line.0.load(Ordering::Acquire)).min().unwrap();
        end + CHUNK <= slowest + self.capacity
    }
    fn received(&self, receiver: usize, count: u64) {
        if count % CHUNK == 0 {
            self.progress[receiver].0.store(count, Ordering::Release);
        }
    }
}

/// Waits for a future on this thread, which sleeps until it is woken.
struct Blocking(std::task::Waker);

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Blocking {
    fn here() -> Self {
        Blocking(Arc::new(Unpark(std::thread::current())).into())
    }
    fn recv<M: Message>(&self, receiver: &mut Receiver<M>) -> Result<M, RecvError> {
        let mut future = receiver.recv();
        let mut context = std::task::Context::from_waker(&self.0);
        loop {
            // Never moved while it is pinned: it lives on this stack.
            match unsafe { std::pin::Pin::new_unchecked(&mut future) }.poll(&mut context) {
                std::task::Poll::Ready(result) => return result,
                std::task::Poll::Pending => std::thread::park(),
            }
        }
    }
}

struct Outcome {
    received: u64,
    lost: u64,
    sum: u64,
}

struct Load {
    producers: u64,
    receivers: usize,
    events: u64,
    capacity: u64,
    lossless: bool,
}

fn hear<M: Message>(outcome: &mut Outcome, result: Result<M, RecvError>) -> bool {
    match result {
        Ok(message) => {
            outcome.received += 1;
            outcome.sum = outcome.sum.wrapping_add(message.number());
            true
        }
        Err(RecvError::Lagged(count)) => {
            outcome.lost += count;
            true
        }
        Err(RecvError::Closed) => false,
    }
}

fn report(load: &Load, outcomes: Vec<Outcome>, elapsed: Duration) {
    let received: u64 = outcomes.iter().map(|one| one.received).sum();
    let lost: u64 = outcomes.iter().map(|one| one.lost).sum();
    assert!(!load.lossless || lost == 0);
    assert_eq!(received + lost, load.events * load.producers * load.receivers as u64);
    assert!(outcomes.iter().all(|one| one.sum > 0));
    println!("{} {}", received as f64 / elapsed.as_secs_f64(), lost as f64 / (received + lost) as f64);
}

fn by_threads<M: Message>(load: &Load) {
    let (sender, _) = broadcast::channel::<M>(load.capacity as usize);
    let pace = Pace::new(load.capacity, load.receivers);
    let start = Arc::new(std::sync::Barrier::new(load.producers as usize + load.receivers + 1));
    let receivers: Vec<_> = (0..load.receivers)
        .map(|id| {
            let (mut receiver, pace, start) = (sender.subscribe(), pace.clone(), start.clone());
            std::thread::spawn(move || {
                let mut outcome = Outcome { received: 0, lost: 0, sum: 0 };
                let blocking = Blocking::here();
                start.wait();
                while hear(&mut outcome, blocking.recv(&mut receiver)) {
                    pace.received(id, outcome.received);
                }
                outcome
            })
        })
        .collect();
    let (events, lossless) = (load.events, load.lossless);
    let producers: Vec<_> = (0..load.producers)
        .map(|_| {
            let (sender, pace, start) = (sender.clone(), pace.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                for number in 0..events {
                    if lossless && number % CHUNK == 0 {
                        let end = pace.claim();
                        while !pace.may_send(end) {
                            std::thread::yield_now();
                        }
                    }
                    let _ = sender.send(M::make(number));
                }
            })
        })
        .collect();
    drop(sender);
    start.wait();
    let begin = Instant::now();
    producers.into_iter().for_each(|one| one.join().unwrap());
    let outcomes = receivers.into_iter().map(|one| one.join().unwrap()).collect();
    report(load, outcomes, begin.elapsed());
}

fn by_tasks<M: Message>(load: &Load) {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let (sender, _) = broadcast::channel::<M>(load.capacity as usize);
    let pace = Pace::new(load.capacity, load.receivers);
    let begin = Instant::now();
    let receivers: Vec<_> = (0..load.receivers)
        .map(|id| {
            let (mut receiver, pace) = (sender.subscribe(), pace.clone());
            runtime.spawn(async move {
                let mut outcome = Outcome { received: 0, lost: 0, sum: 0 };
                while hear(&mut outcome, receiver.recv().await) {
                    pace.received(id, outcome.received);
                }
                outcome
            })
        })
        .collect();
    let (events, lossless) = (load.events, load.lossless);
    for _ in 0..load.producers {
        let (sender, pace) = (sender.clone(), pace.clone());
        runtime.spawn(async move {
            for number in 0..events {
                if number % CHUNK == 0 {
                    if lossless {
                        let end = pace.claim();
                        while !pace.may_send(end) {
                            yield_now().await;
                        }
                    } else {
                        yield_now().await;
                    }
                }
                let _ = sender.send(M::make(number));
            }
        });
    }
    drop(sender);
    let outcomes = receivers.into_iter().map(|one| runtime.block_on(one).unwrap()).collect();
    report(load, outcomes, begin.elapsed());
}

/// Lets the other tasks run once.
async fn yield_now() {
    struct Once(bool);
    impl Future for Once {
        type Output = ();
        fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }
    }
    Once(false).await
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times[times.len() / 2]
}

fn spin_recv(receiver: &mut Receiver<Words>) -> Option<Words> {
    loop {
        match receiver.try_recv() {
            Ok(words) => return Some(words),
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Closed) => return None,
        }
    }
}

/// Half of the round trip between two threads that look all the time.
fn hot(events: u64) {
    let (there, mut there_end) = broadcast::channel::<Words>(64);
    let (back, mut back_end) = broadcast::channel::<Words>(64);
    let echo = std::thread::spawn(move || {
        while let Some(words) = spin_recv(&mut there_end) {
            let _ = back.send(words);
        }
    });
    let times = (0..events)
        .map(|number| {
            let begin = Instant::now();
            let _ = there.send(Words::make(number));
            spin_recv(&mut back_end);
            begin.elapsed().as_nanos() as u64 / 2
        })
        .collect();
    drop(there);
    echo.join().unwrap();
    println!("{} 0", median(times));
}

fn measure_parked(events: u64, sender: Sender<Words>, receive: impl FnOnce() -> Vec<u64> + Send + 'static, epoch: Instant) {
    let receiver = std::thread::spawn(receive);
    for _ in 0..events {
        std::thread::sleep(Duration::from_micros(300));
        let _ = sender.send(Words::make(epoch.elapsed().as_nanos() as u64));
    }
    drop(sender);
    println!("{} 0", median(receiver.join().unwrap()));
}

/// From the send to a receiver that sleeps.
fn parked(events: u64, tasks: bool) {
    let epoch = Instant::now();
    let (sender, mut receiver) = broadcast::channel::<Words>(64);
    let latency = move |words: Words| epoch.elapsed().as_nanos() as u64 - words.number();
    if tasks {
        let receive = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
            let task = runtime.spawn(async move {
                let mut times = Vec::new();
                while let Ok(words) = receiver.recv().await {
                    times.push(latency(words));
                }
                times
            });
            runtime.block_on(task).unwrap()
        };
        measure_parked(events, sender, receive, epoch);
    } else {
        let receive = move || {
            let mut times = Vec::new();
            let blocking = Blocking::here();
            while let Ok(words) = blocking.recv(&mut receiver) {
                times.push(latency(words));
            }
            times
        };
        measure_parked(events, sender, receive, epoch);
    }
}

fn run<M: Message>(load: &Load, tasks: bool) {
    if tasks {
        by_tasks::<M>(load);
    } else {
        by_threads::<M>(load);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |at: usize| arguments[at].parse::<u64>().unwrap();
    let (case, tasks) = (arguments[1].as_str(), arguments[2] == "tasks");
    let load = Load {
        producers: number(3),
        receivers: number(4) as usize,
        events: number(5),
        capacity: number(6),
        lossless: case != "lossy",
    };
    match case {
        "words" | "lossy" => run::<Words>(&load, tasks),
        "heap" => run::<Heap>(&load, tasks),
        "inline" => run::<Inline>(&load, tasks),
        "hot" => hot(load.events),
        "parked" => parked(load.events, tasks),
        _ => panic!("unknown case {case}"),
    }
}
