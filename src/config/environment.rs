//! One organization of one vendor configured by variables, those of the vendor's own tools where it has some, without a file.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use secrecy::ExposeSecret;

use super::document::{Content, Entry, Node};
use super::faults::{Fault, Faults};
use super::value::{Input, Value};
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
  or with one Talkdesk organization these:
    TALKDESK_ACCOUNT, TALKDESK_REGION (us if not set), TALKDESK_CLIENT_ID, TALKDESK_CLIENT_SECRET

  With a file, named by --config.file:
    organizations:
      - name: acme
        genesys_cloud:
          region: us-east-1
          client_id: 9d0b2c9e-0000-0000-0000-000000000000
          client_secret_file: secrets/acme
";

const ORGANIZATION: &str = "CCAAS_EXPORTER_ORGANIZATION";

/// A vendor and the variables that stand for its section of the file.
struct Vendor {
    provider: &'static str,
    settings: &'static [Setting],
}

/// A key of the file and the variable that stands for it.
struct Setting {
    key: &'static str,
    variable: &'static str,
    expected: &'static str,
    /// Keeps the reader going when the variable is missing; with that fault the result is discarded. `None`: it may be missing.
    stand_in: Option<&'static str>,
}

/// A setting and what is given for it: the variable's text, and the path in its `_FILE` variable.
type Given = (&'static Setting, Option<String>, Option<String>);

const VENDORS: [Vendor; 2] = [
    Vendor {
        provider: "genesys_cloud",
        settings: &[
            Setting {
                key: "region",
                variable: "GENESYSCLOUD_REGION",
                expected: "an AWS region of Genesys Cloud such as us-east-1, or its domain such as mypurecloud.com",
                stand_in: Some("us-east-1"),
            },
            client_id("GENESYSCLOUD_OAUTHCLIENT_ID"),
            client_secret("GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        ],
    },
    Vendor {
        provider: "talkdesk",
        settings: &[
            Setting {
                key: "account",
                variable: "TALKDESK_ACCOUNT",
                expected: "the name of a Talkdesk account",
                stand_in: Some("account"),
            },
            Setting {
                key: "region",
                variable: "TALKDESK_REGION",
                expected: "a region of Talkdesk",
                stand_in: None,
            },
            client_id("TALKDESK_CLIENT_ID"),
            client_secret("TALKDESK_CLIENT_SECRET"),
        ],
    },
];
const CLIENT_SECRET: &str = "client_secret";
const CLIENT_SECRET_FILE: &str = "client_secret_file";

const fn client_id(variable: &'static str) -> Setting {
    Setting { key: "client_id", variable, expected: "the id of an OAuth client", stand_in: Some("-") }
}

const fn client_secret(variable: &'static str) -> Setting {
    Setting { key: CLIENT_SECRET, variable, expected: "the secret of the OAuth client", stand_in: Some("-") }
}

impl Config {
    /// Configures one organization from the environment; `None` when none of its variables is set.
    ///
    /// # Errors
    /// Every fault of the variables.
    pub fn from_environment(environment: Environment) -> Result<Option<Self>, Faults> {
        // Compose files and charts pass variables on that nobody filled in; those count as not set.
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let given = VENDORS.each_ref().map(|vendor| {
            let given = |setting: &'static Setting| {
                (setting, variable(setting.variable), variable(&file_variable(setting)))
            };
            vendor.settings.iter().map(given).collect::<Vec<Given>>()
        });
        let first_set = given.each_ref().map(|given| given.iter().find_map(set_variable));
        let (vendor, given) = match (first_set, VENDORS, given) {
            ([None, None], ..) => return Ok(None),
            ([Some(_), None], [vendor, _], [given, _]) | ([None, Some(_)], [_, vendor], [_, given]) => {
                (vendor, given)
            }
            ([Some(one), Some(other)], ..) => {
                let message = format!(
                    "{one} and {other} are both set; variables configure one organization of one vendor: unset those of the \
                     other, or write a file"
                );
                return Err(Faults::single("environment", None, message));
            }
        };
        let mut faults = Vec::new();
        let mut entries = Vec::new();
        for given in given {
            let setting = given.0;
            let entry = entry(given).unwrap_or_else(|message| {
                let key = setting.variable.to_owned();
                faults.push(Fault { line: None, key, message });
                setting.stand_in.map(|text| (setting.key, text.to_owned()))
            });
            entries.extend(entry.map(|(key, text)| (key, scalar(&text))));
        }
        let name = variable(ORGANIZATION).unwrap_or_else(|| "default".to_owned());
        let organization = mapping(vec![("name", scalar(&name)), (vendor.provider, mapping(entries))]);
        let list = node(Content::Sequence(vec![organization]));
        let root = mapping(vec![("organizations", list)]);

        let folder = std::path::absolute(".").unwrap_or_default();
        let input = Input { environment: Some(environment), folder, faults: RefCell::default() };
        let config = file::config(&Value::root(&input, &root));
        let found = input.faults.into_inner();
        faults.extend(found.into_iter().map(|fault| name_the_variable(fault, vendor.settings)));
        match Faults::new("environment", faults) {
            Some(faults) => Err(faults),
            None => Ok(Some(config)),
        }
    }
}

/// The variable that is set for a setting.
fn set_variable((setting, text, path): &Given) -> Option<String> {
    let plain = text.as_ref().map(|_| setting.variable.to_owned());
    plain.or_else(|| path.as_ref().map(|_| file_variable(setting)))
}

fn file_variable(setting: &Setting) -> String {
    format!("{}_FILE", setting.variable)
}

/// The key and the text that a file would have, if any.
fn entry((setting, text, path): Given) -> Result<Option<(&'static str, String)>, String> {
    let (variable, file_variable) = (setting.variable, file_variable(setting));
    match (text, path) {
        (Some(_), Some(_)) => {
            Err(format!("{variable} and {file_variable} exclude each other; set one of them"))
        }
        (None, None) if setting.stand_in.is_none() => Ok(None),
        (None, None) => {
            Err(format!("missing; expected {}, here or in the file {file_variable}", setting.expected))
        }
        (Some(text), None) => Ok(Some((setting.key, text))),
        // Only the secret is kept as a file, because only it is read again.
        (None, Some(path)) if setting.key == CLIENT_SECRET => Ok(Some((CLIENT_SECRET_FILE, path))),
        (None, Some(path)) => {
            let text = Secret::File(PathBuf::from(path)).read();
            let text = text
                .map_err(|error| format!("cannot use the file that {file_variable} names: {}", error.why))?;
            Ok(Some((setting.key, text.expose_secret().to_owned())))
        }
    }
}

/// Puts the variable in the place of the key that the reader found fault with.
fn name_the_variable(fault: Fault, settings: &[Setting]) -> Fault {
    let key = fault.key.rsplit('.').next().unwrap_or_default();
    let of = |key: &str| settings.iter().find(|setting| setting.key == key);
    let variable = match key {
        "name" => Some(ORGANIZATION.to_owned()),
        CLIENT_SECRET_FILE => of(CLIENT_SECRET).map(file_variable),
        key => of(key).map(|setting| setting.variable.to_owned()),
    };
    Fault { line: None, key: variable.unwrap_or_else(|| fault.key.clone()), ..fault }
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
