//! Reads the configuration file: its text, `global`, the organizations.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use super::document;
use super::environment::HOW_TO_START;
use super::faults::Faults;
use super::fields::Fields;
use super::shared::{self, SECOND};
use super::value::{Input, Value};
use super::variables::Environment;
use super::{Config, Global, Organization, Provider, genesys_cloud, talkdesk};

/// The full example has 3 KiB; beyond this somebody named the wrong file.
const MAX_BYTES: u64 = 1 << 20;
const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not zero");

impl Config {
    /// Reads the configuration file `path`.
    ///
    /// # Errors
    /// Every fault of the file; of a missing file, how to start.
    pub fn load(path: &Path, environment: Environment) -> Result<Self, Faults> {
        let text = text(path, &format!("there is no such file. {HOW_TO_START}"))?;
        Self::parse(path, &text, environment)
    }

    /// Reads `text`, the content of the configuration file `file`, which names the folder of relative paths.
    ///
    /// # Errors
    /// Every fault of the text.
    pub fn parse(file: &Path, text: &str, environment: Environment) -> Result<Self, Faults> {
        parse(file, text, Some(environment), config)
    }
}

/// The text of the file `path`; `missing` is said of one that does not exist.
pub(super) fn text(path: &Path, missing: &str) -> Result<String, Faults> {
    let source = path.display().to_string();
    let bytes = match content(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = match error.kind() {
                io::ErrorKind::NotFound => missing.to_owned(),
                io::ErrorKind::FileTooLarge => TOO_LARGE.to_owned(),
                _ => format!("cannot read the file: {error}"),
            };
            return Err(Faults::single(source, None, message));
        }
    };
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        Faults::single(source, Some(line), "expected UTF-8 text, found other bytes")
    })
}

/// What is in the file `path`, 1 MiB at the most.
pub(super) fn content(path: &Path) -> io::Result<Vec<u8>> {
    // Anything but a plain file (a pipe, a device, a folder) might never end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// What `read` makes of `text`, the content of `file`, which names the folder of relative paths.
pub(super) fn parse<T>(
    file: &Path,
    text: &str,
    environment: Option<Environment>,
    read: impl FnOnce(&Value) -> T,
) -> Result<T, Faults> {
    let source = file.display().to_string();
    if text.len() as u64 > MAX_BYTES {
        return Err(Faults::single(source, None, TOO_LARGE));
    }
    let root = document::parse(text)
        .map_err(|malformed| Faults::single(source.clone(), Some(malformed.line), malformed.message))?;
    let parent = file.parent().unwrap_or(Path::new(""));
    // Absolute, so that neither a change of folder nor the copy in `/config` gives paths another meaning.
    let folder = std::path::absolute(parent.join(".")).unwrap_or_else(|_| parent.to_owned());
    let input = Input { environment, folder, faults: RefCell::default() };
    let result = read(&Value::root(&input, &root));
    match Faults::new(source, input.faults.into_inner()) {
        Some(faults) => Err(faults),
        None => Ok(result),
    }
}

const TOO_LARGE: &str = "the file is larger than 1 MiB; is it really the configuration?";

/// What is right in the document; what is wrong is in the faults of its input.
pub(super) fn config(root: &Value) -> Config {
    root.mapping(|fields| Config {
        global: fields.get("global").mapping(global),
        organizations: organizations(fields),
    })
}

fn global(fields: &mut Fields) -> Global {
    let request_timeout = fields.get("request_timeout").duration(&(SECOND..=Duration::from_mins(10)));
    let concurrency = fields.get("concurrency").number(&(1_usize..=256)).and_then(NonZeroUsize::new);
    let proxy_url = shared::secret(fields, "proxy_url", "proxy_url_file", |text| {
        let objection =
            |found| format!("expected the URL of a proxy such as http://proxy:3128, found {found}");
        shared::web_url(text).map(drop).map_err(objection)
    });
    Global {
        request_timeout: request_timeout.unwrap_or(Duration::from_secs(30)),
        concurrency: concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        proxy_url,
        ca_file: shared::certificates(&fields.get("ca_file")),
        max_series_per_organization: fields
            .get("max_series_per_organization")
            .number(&(1..=1_000_000))
            .unwrap_or(20_000),
    }
}

fn organizations(fields: &mut Fields) -> Vec<Organization> {
    let list = fields.get("organizations");
    let items = list.items("a list of organizations, each starting with `- name: …`");
    if items.as_ref().map_or(!list.is_set(), Vec::is_empty) {
        list.fault("missing; expected a list of at least one organization, each starting with `- name: …`");
    }
    let mut names = shared::Names::default();
    let mut organizations = Vec::new();
    for item in items.iter().flatten() {
        let (name, provider) =
            item.mapping(|fields| (names.read(fields, "a name for the organization"), provider(fields)));
        organizations.extend(name.zip(provider).map(|(name, provider)| Organization { name, provider }));
    }
    organizations
}

/// The provider, of which an organization has one. Faults of a second one are told all the same.
fn provider(fields: &mut Fields) -> Option<Provider> {
    let (genesys_cloud, talkdesk) = (fields.get("genesys_cloud"), fields.get("talkdesk"));
    let mut providers = Vec::new();
    if fields.contains("genesys_cloud") {
        providers
            .push(genesys_cloud.mapping(genesys_cloud::settings).map(Box::new).map(Provider::GenesysCloud));
    }
    if fields.contains("talkdesk") {
        providers.push(talkdesk.mapping(talkdesk::settings).map(Box::new).map(Provider::Talkdesk));
    }
    match providers.len() {
        0 => fields.fault("missing the provider; expected the key genesys_cloud or talkdesk"),
        1 => return providers.pop().flatten(),
        _ => fields.fault(
            "genesys_cloud and talkdesk exclude each other; give each provider an organization of its own",
        ),
    }
    None
}
