//! Disks in trouble: that hang, that fail for one file, that belong to somebody else.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, advance};

use super::disk::{Disk, PATIENCE};
use super::folder::Folder;
use super::{Course, Drawer, Figures, Owner, Storage};
use crate::collector::Memory;
use crate::exposition::{Format, Selection};
use crate::model::{CollectorId, Samples};
use crate::telemetry::Telemetry;

/// What is shown of the storage: whether all is written, failed writes, failed reads.
fn shown(telemetry: &Telemetry) -> (bool, u64, u64) {
    let text = telemetry.encode(Format::Text, &Selection::default());
    let value = |series: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(series)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let failures =
        |operation| value(&format!("ccaas_exporter_storage_failures_total{{operation=\"{operation}\"}}"));
    (value("ccaas_exporter_storage_last_write_successful") == 1, failures("write"), failures("read"))
}

fn drawer(storage: &Storage, organization: &str) -> Drawer {
    let id =
        CollectorId { organization: organization.to_owned(), provider: "genesys_cloud", collector: "usage" };
    storage.drawer(&Owner { id, account: "account".to_owned() })
}

fn figures() -> Figures {
    let (samples, memory) = (Samples::default(), Memory::default());
    Figures { at: Timestamp::UNIX_EPOCH, data_through: None, samples, overview: None, memory }
}

/// The course after so many failures.
async fn fail(drawer: &Drawer, failures: u32) {
    drawer.change(|course| course.failures = failures).await;
}

/// A disk that hangs until it is let go, and what it has written.
struct Hanging {
    disk: Arc<Disk>,
    telemetry: Telemetry,
    gate: mpsc::Sender<()>,
    written: Arc<Mutex<Vec<u32>>>,
}

impl Hanging {
    /// Hangs in writing 0 to `a`.
    fn new() -> Self {
        let telemetry = Telemetry::new();
        let disk = Disk::new(Path::new("folder"), telemetry.storage());
        let (gate, closed) = mpsc::channel::<()>();
        let (begins, begun) = mpsc::channel();
        let hanging = Self { disk, telemetry, gate, written: Arc::default() };
        let written = hanging.written.clone();
        drop(hanging.disk.write(Path::new("a"), move || {
            begins.send(()).unwrap();
            let _ = closed.recv();
            written.lock().unwrap().push(0);
            Ok(())
        }));
        begun.recv().unwrap();
        hanging
    }

    fn write(&self, path: &str, record: u32) -> impl Future<Output = ()> + use<> {
        let written = self.written.clone();
        self.disk.write(Path::new(path), move || {
            written.lock().unwrap().push(record);
            Ok(())
        })
    }

    /// Lets it go; what it has written when all is done.
    async fn written(self) -> (Vec<u32>, bool) {
        drop(self.gate);
        self.disk.read(Path::new("last"), || ()).await.unwrap();
        let written = self.written.lock().unwrap().clone();
        (written, shown(&self.telemetry).0)
    }
}

/// Waits for what has to give up by itself, while the disk hangs and the time of tests with it.
async fn given_up<T>(waiting: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let time = async {
        loop {
            advance(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        biased;
        result = waiting => (result, begun.elapsed()),
        () = time => unreachable!("it goes on for ever"),
    }
}

#[test]
fn a_disk_that_hangs_holds_one_thread_and_gets_the_newest_records_when_it_is_back() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .max_blocking_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let hanging = Hanging::new();
        for record in 1..=100 {
            let both = async { tokio::join!(hanging.write("a", record), hanging.write("b", record + 1000)) };
            let (_, took) = given_up(both).await;
            assert!(took <= PATIENCE + Duration::from_secs(1), "{took:?}");
        }
        assert_eq!(shown(&hanging.telemetry), (false, 200, 0));
        // With two threads there is one left, so only one hangs.
        assert_eq!(tokio::task::spawn_blocking(|| 7).await.unwrap(), 7);
        assert_eq!(hanging.written().await, (vec![0, 100, 1100], true));
    });
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_record_is_told_when_it_or_a_newer_one_is_written() {
    let hanging = Hanging::new();
    let mut older = Box::pin(hanging.write("a", 1));
    let newer = hanging.write("a", 2);
    assert!(futures_util::poll!(&mut older).is_pending());
    let written = hanging.written.clone();
    assert_eq!(hanging.written().await, (vec![0, 2], true));
    older.await;
    newer.await;
    assert_eq!(*written.lock().unwrap(), [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_late_and_then_fails_goes_on_failing_until_one_succeeds() {
    let hanging = Hanging::new();
    let full = || Err(io::Error::from(io::ErrorKind::StorageFull));
    given_up(hanging.disk.write(Path::new("b"), full)).await;
    let Hanging { disk, telemetry, gate, .. } = hanging;
    drop(gate);
    disk.write(Path::new("c"), || Ok(())).await;
    assert!(!shown(&telemetry).0);
    disk.write(Path::new("b"), || Ok(())).await;
    assert!(shown(&telemetry).0);
}

#[tokio::test(start_paused = true)]
async fn a_read_waits_for_a_long_queue_but_not_for_a_disk_that_hangs() {
    let hanging = Hanging::new();
    let (read, took) = given_up(hanging.disk.read(Path::new("c"), || 1)).await;
    assert_eq!(read, None);
    assert!(took <= PATIENCE + Duration::from_secs(1), "{took:?}");
    let written = hanging.written.clone();
    let newest = hanging.write("a", 5);
    let disk = hanging.disk.clone();
    let after = async move { disk.read(Path::new("a"), move || written.lock().unwrap().clone()).await };
    let (_, after, ()) = tokio::join!(hanging.written(), after, newest);
    assert_eq!(after.unwrap(), [0, 5], "what was to be written before is read");
}

#[tokio::test(start_paused = true)]
async fn a_defect_in_one_write_does_not_stop_the_next() {
    let telemetry = Telemetry::new();
    let disk = Disk::new(Path::new("folder"), telemetry.storage());
    disk.write(Path::new("a"), || panic!("a defect")).await;
    assert_eq!(shown(&telemetry), (false, 1, 0));
    assert_eq!(disk.read(Path::new("a"), || -> u32 { panic!("a defect") }).await, None);
    disk.write(Path::new("a"), || Ok(())).await;
    assert_eq!(shown(&telemetry), (true, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_storage_is_well_only_when_no_file_fails() {
    let (folder, telemetry) = (tempfile::tempdir().unwrap(), Telemetry::new());
    let storage = Storage::open(folder.path(), telemetry.storage()).unwrap();
    let (one, other) = (drawer(&storage, "one"), drawer(&storage, "other"));
    // What cannot be removed is in the way of the figures of one, and of nothing else.
    let in_the_way = one.figures.with_added_extension("new");
    fs::create_dir(&in_the_way).unwrap();
    one.keep(figures()).await;
    fail(&one, 1).await;
    other.keep(figures()).await;
    assert_eq!(shown(&telemetry), (false, 1, 0));
    fs::remove_dir(&in_the_way).unwrap();
    one.keep(figures()).await;
    assert_eq!(shown(&telemetry), (true, 1, 0));

    fs::create_dir(&in_the_way).unwrap();
    one.keep(figures()).await;
    assert_eq!(shown(&telemetry), (false, 2, 0));
    drop(one);
    assert_eq!(shown(&telemetry), (true, 2, 0), "nobody writes that file any more");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_comes_back_is_used_only_with_its_lock() {
    let (folder, telemetry) = (tempfile::tempdir().unwrap(), Telemetry::new());
    let file = folder.path().join("file");
    let path = file.join("data");
    fs::write(&file, "").unwrap();
    let storage = Storage::open(&path, telemetry.storage()).unwrap();
    let waiting = drawer(&storage, "acme");
    assert_eq!(shown(&telemetry), (false, 1, 0));

    fs::remove_file(&file).unwrap();
    let other = Storage::open(&path, Telemetry::new().storage()).unwrap();
    fail(&drawer(&other, "acme"), 1).await;
    for failures in [2, 3] {
        fail(&waiting, failures).await;
    }
    assert_eq!(shown(&telemetry), (false, 3, 0));
    assert_eq!(drawer(&other, "acme").load().await.1.failures, 1, "the other's file is not touched");

    drop(other);
    fail(&waiting, 4).await;
    assert_eq!(shown(&telemetry), (true, 3, 0));
    assert!(Storage::open(&path, Telemetry::new().storage()).is_err(), "it is ours now");
    assert_eq!(drawer(&storage, "acme").load().await.1.failures, 4);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_at_the_start_is_used_when_it_is_back() {
    let (folder, telemetry) = (tempfile::tempdir().unwrap(), Telemetry::new());
    // Opening a pipe to write it hangs until somebody reads it.
    let pipe = folder.path().join("lock");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::set_permissions(&pipe, fs::Permissions::from_mode(0o600)).unwrap();
    let opened = Folder::open(folder.path(), telemetry.storage(), Duration::from_millis(20)).unwrap();
    let storage = Storage(Some(opened));
    assert_eq!(shown(&telemetry), (false, 1, 0));

    let drawer = drawer(&storage, "acme");
    given_up(fail(&drawer, 1)).await;
    let ((kept, course), _) = given_up(drawer.load()).await;
    assert!(kept.is_none() && course == Course::default());
    assert_eq!(shown(&telemetry), (false, 2, 2));

    let _reader = fs::File::open(&pipe).unwrap();
    fail(&drawer, 2).await;
    assert_eq!(shown(&telemetry), (true, 2, 2));
    assert_eq!(drawer.load().await.1.failures, 2);
}

#[test]
fn figures_without_an_overview_or_with_one_of_another_shape_are_read_all_the_same() {
    let overview = r#"{"Spend":[{"month":"2026-11","is_running":true,"amounts":[[0.1,"EUR"]]}]}"#;
    for (overview, is_read) in [
        (format!(r#","overview":{overview}"#), true),
        (r#","overview":null"#.to_owned(), false),
        (r#","overview":{"Spend":[{"month":"2026-11"}]}"#.to_owned(), false),
        (r#","overview":{"Of another time":1}"#.to_owned(), false),
        (String::new(), false),
    ] {
        let json = format!(
            r#"{{"at":"2026-11-21T10:00:00Z","data_through":null,"samples":[],"memory":7{overview}}}"#
        );
        let figures: Figures = serde_json::from_str(&json).unwrap();
        assert_eq!(figures.overview.is_some(), is_read, "{json}");
        assert_eq!(figures.memory.read::<u8>().unwrap(), Some(7));
        let again: Figures = serde_json::from_str(&serde_json::to_string(&figures).unwrap()).unwrap();
        assert_eq!(again.overview, figures.overview);
    }
}
