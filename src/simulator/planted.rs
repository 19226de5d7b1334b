//! Values that stand where the vendors' descriptions allow them. They must be seen nowhere else.

/// A secret in every client of the client list.
pub const PLANTED_SECRET: &str = "planted-oauth-client-secret";
/// The address of a person, in descriptions and other free texts.
pub const PLANTED_EMAIL: &str = "planted.person@example.com";
/// The name of a person, in names and free texts.
pub const PLANTED_PERSON: &str = "Erika Mustermann-Planted";
/// The number of a person, in free texts.
pub const PLANTED_PHONE: &str = "+49 151 5550 0199";
