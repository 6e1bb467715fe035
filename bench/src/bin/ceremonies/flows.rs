//! The ceremonies, request by request, every answer checked.

use std::cell::{Cell, RefCell};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::ValueEnum;
use keymoor_testkit::{Challenge, SoftwareKey};
use keymoor_types::wire::{
    AuthenticationAnswer, BindingInfo, BoundCredential, InvokeAuthenticator,
};
use serde::{Deserialize, Serialize};

use super::directory::{Application, Link, REDIRECT_URI};
use super::http::{Body, Connection, Request};
use super::load::Turn;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Flow {
    /// Open a link, ask what to bind, bind
    Bind,
    /// Start a sign-in, prove the passkey, redeem the code
    SignIn,
    /// A token that an application gets for itself
    ClientCredentials,
}

impl Flow {
    /// How many requests it has.
    pub(crate) fn requests(self) -> f64 {
        match self {
            Self::Bind | Self::SignIn => 3.0,
            Self::ClientCredentials => 1.0,
        }
    }

    /// How many transactions must be durable before it ends.
    pub(crate) fn transactions(self) -> f64 {
        match self {
            Self::Bind => 3.0,
            Self::SignIn => 2.0,
            Self::ClientCredentials => 1.0,
        }
    }
}

/// A user with a passkey.
pub(crate) struct Person {
    subject: String,
    key: SoftwareKey,
}

/// Opens the link, asks what to bind, binds.
pub(crate) async fn bind(connection: &mut Connection, link: Link) -> Result<Person> {
    let opening = Request {
        accept: Some("application/json"),
        ..Request::get(&link.target)
    };
    let opened: InvokeAuthenticator = connection.send(opening).await?.json()?;
    ensure!(
        link.authorization.ends_with(&opened.token),
        "the link gave another token"
    );
    let target = format!("{}:getInfo", link.job);
    let asking = Request::post(&target, Body::json("")).authorized(&link.authorization);
    let _info: BindingInfo = connection.send(asking).await?.json()?;
    let target = format!("{}:bind", link.job);
    let binding = Request::post(&target, Body::json(&link.bind)).authorized(&link.authorization);
    let bound: BoundCredential = connection.send(binding).await?.json()?;
    ensure!(bound.state == "ACTIVE", "the passkey is {}", bound.state);
    Ok(Person {
        subject: link.subject,
        key: link.key,
    })
}

/// Binds one of the links that are left.
pub(crate) async fn bind_next(
    connection: &mut Connection,
    links: &RefCell<Vec<Link>>,
) -> Result<Turn> {
    let Some(link) = links.borrow_mut().pop() else {
        return Ok(Turn::Exhausted);
    };
    bind(connection, link).await?;
    Ok(Turn::Done)
}

/// Signs people in at one application, one after the other.
pub(crate) struct SignIns<'a> {
    site: &'a Application,
    people: Vec<Person>,
    next: Cell<usize>,
    verifier: String,
    authorize: String,
    authenticate: String,
    audience: String,
    token: String,
}

/// What of a request JWT its proof repeats.
#[derive(Deserialize)]
struct RequestClaims {
    authn: Authn,
}

#[derive(Deserialize)]
struct Authn {
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    prove: Prove,
}

#[derive(Deserialize)]
struct Prove {
    transaction_id: String,
    nonce: String,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    token_type: String,
    id_token: Option<String>,
}

impl<'a> SignIns<'a> {
    pub(crate) fn new(auth_url: &str, site: &'a Application, people: Vec<Person>) -> Self {
        let verifier = "v".repeat(43);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let Application {
            path, client_id, ..
        } = site;
        let redirect_uri = REDIRECT_URI.replace(':', "%3A").replace('/', "%2F");
        Self {
            authorize: format!(
                "{path}/authorize?response_type=code&client_id={client_id}&redirect_uri={redirect_uri}\
                 &scope=openid&state=a-state&nonce=a-nonce&code_challenge={challenge}&code_challenge_method=S256"
            ),
            authenticate: format!("{path}/bi-authenticate"),
            audience: format!("{auth_url}{path}/bi-authenticate"),
            token: format!("{path}/token"),
            site,
            people,
            next: Cell::new(0),
            verifier,
        }
    }

    pub(crate) async fn one(&self, connection: &mut Connection) -> Result<Turn> {
        let person = &self.people[self.next.get()];
        self.next.set((self.next.get() + 1) % self.people.len());
        let started = connection.send(Request::get(&self.authorize)).await?;
        let challenge = prove(started.location()?)?;
        let form = self.proof(person, &challenge)?;
        let proving = Request::post(&self.authenticate, Body::form(&form));
        let code = match connection.send(proving).await?.json()? {
            AuthenticationAnswer::Allow { code, .. } => code,
            AuthenticationAnswer::Deny { message } => bail!("denied: {message}"),
        };
        let redirect_uri = REDIRECT_URI;
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={redirect_uri}&code_verifier={}",
            self.verifier
        );
        let redeeming =
            Request::post(&self.token, Body::form(&form)).authorized(&self.site.authorization);
        let tokens: Tokens = connection.send(redeeming).await?.json()?;
        tokens.check()?;
        let id_token = tokens.id_token.context("no ID token")?;
        ensure!(is_jwt(&id_token), "the ID token is no JWT");
        Ok(Turn::Done)
    }

    fn proof(&self, person: &Person, challenge: &Prove) -> Result<String> {
        let claims = Challenge {
            subject: &person.subject,
            audience: &self.audience,
            transaction_id: &challenge.transaction_id,
            nonce: &challenge.nonce,
            now: unix_time()?,
        };
        let jws = person.key.authentication_jws(&claims.claims());
        // `{"Jwt":"…"}`, of which only the signs of JSON must be escaped.
        Ok(format!("claims=%7B%22Jwt%22%3A%22{jws}%22%7D"))
    }
}

/// Gets a token for the application itself.
pub(crate) async fn client_credentials(
    connection: &mut Connection,
    machine: &Application,
    target: &str,
) -> Result<Turn> {
    let form = Body::form("grant_type=client_credentials");
    let request = Request::post(target, form).authorized(&machine.authorization);
    let tokens: Tokens = connection.send(request).await?.json()?;
    tokens.check()?;
    Ok(Turn::Done)
}

impl Tokens {
    fn check(&self) -> Result<()> {
        ensure!(self.token_type == "Bearer", "a token of another type");
        ensure!(is_jwt(&self.access_token), "the access token is no JWT");
        Ok(())
    }
}

fn is_jwt(token: &str) -> bool {
    token.len() > 200 && token.bytes().filter(|&byte| byte == b'.').count() == 2
}

/// What the challenge in an invocation's URL asks to be repeated.
fn prove(url: &str) -> Result<Prove> {
    let (_, jwt) = url
        .split_once("?request=")
        .with_context(|| format!("no challenge in {url}"))?;
    let claims = jwt.split('.').nth(1).context("the challenge is no JWT")?;
    let claims: RequestClaims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    Ok(claims.authn.action.prove)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a device has no other clock than its own"
)]
fn unix_time() -> Result<i64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(since.as_secs().try_into()?)
}
