//! Asking the running program to read its configuration anew, or to end.

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// More people than this who ask at once have to wait before they are heard.
const QUEUE: usize = 64;

/// What a reload has done, or why the configuration before it stays: one or more sentences for people, without secrets.
pub type Outcome = Result<String, String>;

/// Asks; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    reloads: mpsc::Sender<oneshot::Sender<Outcome>>,
    quit: CancellationToken,
}

/// What was asked, for the program to answer.
#[derive(Debug)]
pub struct Requests {
    reloads: mpsc::Receiver<oneshot::Sender<Outcome>>,
    quit: CancellationToken,
}

/// Those who wait for the end of one reload.
#[derive(Debug)]
pub struct Asked(Vec<oneshot::Sender<Outcome>>);

/// Both halves.
#[must_use]
pub fn lifecycle() -> (Control, Requests) {
    let (sender, reloads) = mpsc::channel(QUEUE);
    let quit = CancellationToken::new();
    (Control { reloads: sender, quit: quit.clone() }, Requests { reloads, quit })
}

impl Control {
    /// Has the configuration read anew, and waits until it is in use. It goes on when nobody waits any more.
    ///
    /// # Errors
    /// When the configuration is refused or the program is about to end.
    pub async fn reload(&self) -> Outcome {
        let ending = || Err("the exporter is about to end".to_owned());
        let (answer, outcome) = oneshot::channel();
        if self.reloads.send(answer).await.is_err() {
            return ending();
        }
        outcome.await.unwrap_or_else(|_| ending())
    }

    /// Has the program end as it does at SIGTERM.
    pub fn quit(&self) {
        self.quit.cancel();
    }
}

impl Requests {
    /// Waits until somebody asks for a reload. All who have asked by then share it, because it reads what is there now.
    pub async fn reload(&mut self) -> Asked {
        let Some(first) = self.reloads.recv().await else {
            return std::future::pending().await;
        };
        let mut asked = vec![first];
        while let Ok(more) = self.reloads.try_recv() {
            asked.push(more);
        }
        Asked(asked)
    }

    /// Ends when somebody asks the program to end.
    pub fn quit(&self) -> impl Future<Output = ()> + Send + use<> {
        self.quit.clone().cancelled_owned()
    }
}

impl Asked {
    /// Tells everyone who waits.
    pub fn answer(self, outcome: &Outcome) {
        for waiting in self.0 {
            // Whoever asked may be gone.
            let _ = waiting.send(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_ask_before_a_reload_starts_share_it_and_later_ones_get_another() {
        let (control, mut requests) = lifecycle();
        let ask = || {
            let control = control.clone();
            tokio::spawn(async move { control.reload().await })
        };
        let asking: Vec<_> = (0..20).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        let asked = requests.reload().await;
        let late = ask();
        asked.answer(&Ok("first".to_owned()));
        for asking in asking {
            assert_eq!(asking.await.unwrap(), Ok("first".to_owned()));
        }
        requests.reload().await.answer(&Err("second".to_owned()));
        assert_eq!(late.await.unwrap(), Err("second".to_owned()));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_program_that_has_ended() {
        let (control, mut requests) = lifecycle();
        let asking = tokio::spawn({
            let control = control.clone();
            async move { control.reload().await }
        });
        let asked = requests.reload().await;
        drop((asked, requests));
        assert!(asking.await.unwrap().is_err());
        assert!(control.reload().await.is_err());
    }
}
