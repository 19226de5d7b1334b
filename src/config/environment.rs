//! One organization configured by the variables that the vendor's own tools use, without a file.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use secrecy::ExposeSecret;

use super::document::{Content, Entry, Node};
use super::faults::{Fault, Faults};
use super::value::Input;
use super::variables::{Environment, escape};
use super::{Config, file};
use crate::secret::Secret;

/// What the program says when there is neither a configuration file nor a variable.
pub const HOW_TO_START: &str = "\
How to start:

  Without an account, to look around:
    ccaas-exporter demo

  With one Genesys Cloud organization and no file, set these variables (each also with _FILE, naming a file):
    GENESYSCLOUD_REGION, GENESYSCLOUD_OAUTHCLIENT_ID, GENESYSCLOUD_OAUTHCLIENT_SECRET

  With a file, named by --config.file:
    organizations:
      - name: acme
        genesys_cloud:
          region: us-east-1
          client_id: 9d0b2c9e-0000-0000-0000-000000000000
          client_secret_file: secrets/acme
";

const ORGANIZATION: &str = "CCAAS_EXPORTER_ORGANIZATION";

/// A key of the file and the variable that stands for it.
struct Setting {
    key: &'static str,
    variable: &'static str,
    expected: &'static str,
    /// Keeps the reader going when the variable is missing; with that fault the result is discarded.
    stand_in: &'static str,
}

const SETTINGS: [Setting; 3] = [
    Setting {
        key: "region",
        variable: "GENESYSCLOUD_REGION",
        expected: "an AWS region of Genesys Cloud such as us-east-1, or its domain such as mypurecloud.com",
        stand_in: "us-east-1",
    },
    Setting {
        key: "client_id",
        variable: "GENESYSCLOUD_OAUTHCLIENT_ID",
        expected: "the id of an OAuth client",
        stand_in: "-",
    },
    Setting {
        key: CLIENT_SECRET,
        variable: "GENESYSCLOUD_OAUTHCLIENT_SECRET",
        expected: "the secret of the OAuth client",
        stand_in: "-",
    },
];
const CLIENT_SECRET: &str = "client_secret";
const CLIENT_SECRET_FILE: &str = "client_secret_file";

impl Config {
    /// Configures one organization from the environment; `None` when none of its variables is set.
    ///
    /// # Errors
    /// Every fault of the variables.
    pub fn from_environment(environment: Environment) -> Result<Option<Self>, Faults> {
        // Compose files and charts pass variables on that nobody filled in; those count as not set.
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let given = SETTINGS.map(|setting| (variable(setting.variable), variable(&file_variable(&setting))));
        if given.iter().all(|(value, file)| value.is_none() && file.is_none()) {
            return Ok(None);
        }
        let mut faults = Vec::new();
        let mut entries = Vec::new();
        for (setting, given) in SETTINGS.iter().zip(given) {
            let (key, text) = entry(setting, given).unwrap_or_else(|message| {
                let key = setting.variable.to_owned();
                faults.push(Fault { line: None, key, message });
                (setting.key, setting.stand_in.to_owned())
            });
            entries.push((key, scalar(&text)));
        }
        let name = variable(ORGANIZATION).unwrap_or_else(|| "default".to_owned());
        let organization = mapping(vec![("name", scalar(&name)), ("genesys_cloud", mapping(entries))]);
        let list = node(Content::Sequence(vec![organization]));
        let root = mapping(vec![("organizations", list)]);

        let folder = std::path::absolute(".").unwrap_or_default();
        let input = Input { environment, folder, faults: RefCell::default() };
        let config = file::read(&input, &root);
        faults.extend(input.faults.into_inner().into_iter().map(name_the_variable));
        match Faults::new("environment", faults) {
            Some(faults) => Err(faults),
            None => Ok(Some(config)),
        }
    }
}

fn file_variable(setting: &Setting) -> String {
    format!("{}_FILE", setting.variable)
}

/// The key and the text that a file would have.
fn entry(
    setting: &Setting,
    given: (Option<String>, Option<String>),
) -> Result<(&'static str, String), String> {
    let (variable, file_variable) = (setting.variable, file_variable(setting));
    match given {
        (Some(_), Some(_)) => {
            Err(format!("{variable} and {file_variable} exclude each other; set one of them"))
        }
        (None, None) => {
            Err(format!("missing; expected {}, here or in the file {file_variable}", setting.expected))
        }
        (Some(text), None) => Ok((setting.key, text)),
        // Only the secret is kept as a file, because only it is read again.
        (None, Some(path)) if setting.key == CLIENT_SECRET => Ok((CLIENT_SECRET_FILE, path)),
        (None, Some(path)) => {
            let text = Secret::File(PathBuf::from(path)).read();
            let text = text
                .map_err(|error| format!("cannot use the file that {file_variable} names: {}", error.why))?;
            Ok((setting.key, text.expose_secret().to_owned()))
        }
    }
}

/// Puts the variable in the place of the key that the reader found fault with.
fn name_the_variable(fault: Fault) -> Fault {
    let key = fault.key.rsplit('.').next().unwrap_or_default();
    let variable = match key {
        "name" => ORGANIZATION.to_owned(),
        CLIENT_SECRET_FILE => "GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE".to_owned(),
        key => SETTINGS
            .iter()
            .find(|setting| setting.key == key)
            .map_or_else(|| fault.key.clone(), |setting| setting.variable.to_owned()),
    };
    Fault { line: None, key: variable, ..fault }
}

fn node(content: Content) -> Rc<Node> {
    Rc::new(Node { line: 1, content })
}

/// The value of a variable as it is: variables within it are not replaced.
fn scalar(text: &str) -> Rc<Node> {
    node(Content::Scalar { text: escape(text), quoted: true })
}

fn mapping(entries: Vec<(&str, Rc<Node>)>) -> Rc<Node> {
    let entry = |(key, value): (&str, Rc<Node>)| Entry { key: key.to_owned(), line: 1, value };
    node(Content::Mapping(entries.into_iter().map(entry).collect()))
}
