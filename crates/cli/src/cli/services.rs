//! Arguments of `gantry services`.

use clap::{Args, Subcommand};

use super::{Format, service_names};

#[derive(Debug, Subcommand)]
pub(crate) enum ServicesCommand {
    /// Open listeners in the running gateway, or start one with them
    ///
    /// Where no gateway runs on the data folder, this runs one until it is told to end.
    Start(StartServices),
    /// Close listeners; requests that are under way are answered
    Stop {
        /// The services; all of them if none is named
        #[arg(value_name = "NAME", value_parser = service_names())]
        names: Vec<String>,
    },
    /// Tell which services have listeners, where and since when
    Status {
        #[command(flatten)]
        format: Format,
    },
    /// Ask each listener how it is; ends with 1 unless all are healthy
    Health {
        /// The services; all that have listeners if none is named
        #[arg(value_name = "NAME", value_parser = service_names())]
        names: Vec<String>,

        #[command(flatten)]
        format: Format,
    },
    /// List the services with their ports and what they are for
    List {
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Args)]
pub(crate) struct StartServices {
    /// The services; all of them if none is named
    #[arg(value_name = "NAME", value_parser = service_names())]
    pub(crate) names: Vec<String>,

    /// Refuse it unless clients have to say who they are
    #[arg(long)]
    pub(crate) production: bool,

    /// The address to listen on, without a port [default: `services.listen`, else the host of
    /// `server.listen`]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<std::net::IpAddr>,

    /// Which of several gateways on this machine it is: each takes ports that are 100 above those of
    /// the one before [default: `services.instance`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=500))]
    pub(crate) instance: Option<u16>,
}
