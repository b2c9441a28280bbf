//! A command's line to the gateway: the runtime it is held on, and how Ctrl-C takes back what is
//! under way.
//!
//! A single command opens one and closes it. The shell keeps one for all its commands, so that a
//! gateway that was made for them is made once.

use std::cell::RefCell;

use gantry_server::keys::desk::{DeskError, KeyDesk};
use gantry_server::reach::{AskError, Ground};
use gantry_server::{Admin, AdminError, Options, Reach, StartError};

/// A line to the gateway.
#[derive(Debug)]
pub(crate) struct Line {
    ground: Ground,
    /// Whoever was reached last; nobody yet, or no more.
    reach: RefCell<Option<Reach>>,
}

/// Why nothing came back.
#[derive(Debug)]
pub(crate) enum Broken {
    /// No gateway could be made.
    NotStarted(StartError),
    /// It was asked, and did not do it.
    NotAnswered(AskError),
    /// It was to be administered, and was not.
    NotAdministered(AdminError),
    /// The keys were not read or changed.
    NoKeys(DeskError),
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Line {
    pub(crate) fn new() -> Result<Self, Broken> {
        let ground = Ground::new().map_err(Broken::NotStarted)?;
        Ok(Self { ground, reach: RefCell::new(None) })
    }

    /// Holds one conversation with the gateway that runs, or with one made in this process.
    pub(crate) fn ask<T>(
        &self,
        options: &Options,
        conversation: impl AsyncFnOnce(&Reach) -> Result<T, AskError>,
    ) -> Result<T, Broken> {
        let known = self.reach.take();
        self.ground.run(async {
            let opening = async {
                match known {
                    Some(reach) => Ok(reach),
                    None => Reach::open(options).await,
                }
            };
            let mut reach = tokio::select! {
                reach = opening => reach.map_err(Broken::NotStarted)?,
                () = interrupted() => return Err(Broken::Interrupted),
            };
            let answer = {
                let mut asked = std::pin::pin!(conversation(&reach));
                tokio::select! {
                    biased;
                    answer = &mut asked => answer,
                    () = interrupted() => {
                        // The gateway is told, and then this ends soon.
                        reach.interrupt().cancel();
                        asked.await
                    }
                }
            };
            match answer {
                Err(AskError::Broken { source }) => {
                    // The gateway is gone; the next question goes to whoever is there then.
                    reach.close().await;
                    Err(Broken::NotAnswered(AskError::Broken { source }))
                }
                Err(AskError::Interrupted) => {
                    reach.resume();
                    self.reach.replace(Some(reach));
                    Err(Broken::Interrupted)
                }
                answer => {
                    self.reach.replace(Some(reach));
                    answer.map_err(Broken::NotAnswered)
                }
            }
        })
    }

    /// Administers the gateway that runs.
    pub(crate) fn administer<T>(
        &self,
        options: &Options,
        work: impl AsyncFnOnce(Admin) -> Result<T, AdminError>,
    ) -> Result<T, Broken> {
        self.ground.run(async {
            let working = async { work(Admin::open(options).await?).await };
            tokio::select! {
                done = working => done.map_err(Broken::NotAdministered),
                () = interrupted() => Err(Broken::Interrupted),
            }
        })
    }

    /// Waits for something that needs no gateway.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Broken> {
        self.ground.run(async {
            tokio::select! {
                done = work => Ok(done),
                () = interrupted() => Err(Broken::Interrupted),
            }
        })
    }

    /// Works on the keys of the data folder, in the gateway that runs or without one.
    pub(crate) fn keys<T>(
        &self,
        options: &Options,
        work: impl AsyncFnOnce(&mut KeyDesk) -> Result<T, DeskError>,
    ) -> Result<T, Broken> {
        self.ground.run(async {
            let working = async {
                let mut desk = KeyDesk::open(options).await?;
                let done = work(&mut desk).await;
                desk.close().await;
                done
            };
            tokio::select! {
                done = working => done.map_err(Broken::NoKeys),
                () = interrupted() => Err(Broken::Interrupted),
            }
        })
    }

    /// Ends a gateway that was made for the commands, with its servers.
    pub(crate) fn close(self) {
        if let Some(reach) = self.reach.take() {
            self.ground.run(reach.close());
        }
    }
}

/// Resolves when somebody presses Ctrl-C; never where that cannot be known.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
