//! The steps of a job, read from its audit events.

use std::net::IpAddr;

use keymoor_types::{EventId, Timestamp};
use serde_json::Value;

use super::model::BindingJob;
use super::store;
use crate::base::context::{Actor, Context};
use crate::base::error::Result;
use crate::base::names::named;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{JobRef, Ref as _};
use crate::slices::events::model::Recorded;
use crate::slices::events::{self, Event, EventKind};

named! {
    #[schema(as = CredentialBindingJobStep)]
    pub enum Step {
        /// The job was created.
        Created = "CREATED",
        /// The mail server accepted the mail with the link.
        MailAccepted = "MAIL_ACCEPTED",
        /// The mail was refused, or its last attempt failed.
        MailFailed = "MAIL_FAILED",
        /// The job is in state FAILED_TO_SEND.
        FailedToSend = "FAILED_TO_SEND",
        /// The link was opened for the first time.
        LinkOpened = "LINK_OPENED",
        /// A device asked what to bind.
        RequestDelivered = "REQUEST_DELIVERED",
        /// A device's request to bind was refused.
        ProofFailed = "PROOF_FAILED",
        /// A passkey was bound.
        Completed = "COMPLETED",
        /// The job was revoked.
        Revoked = "REVOKED",
        /// The link was replaced by a new one.
        Resent = "RESENT",
        /// The link expired. The time is that of the sweep that recorded it.
        Expired = "EXPIRED",
    }
}

impl Step {
    /// Returns the step that an event records.
    fn of(kind: &str, outcome: &str) -> Option<Self> {
        if kind == EventKind::EMAIL_STATUS_CHANGE.as_str() {
            return match outcome {
                "SENT" => Some(Self::MailAccepted),
                "FAILED" => Some(Self::MailFailed),
                _ => None,
            };
        }
        match outcome {
            "LINK_SENT" => Some(Self::Created),
            "LINK_OPENED" => Some(Self::LinkOpened),
            "REQUEST_DELIVERED" => Some(Self::RequestDelivered),
            PROOF_REFUSED => Some(Self::ProofFailed),
            "COMPLETE" => Some(Self::Completed),
            "FAILED_TO_SEND" => Some(Self::FailedToSend),
            "REVOKED" => Some(Self::Revoked),
            RESENT => Some(Self::Resent),
            "EXPIRED" => Some(Self::Expired),
            _ => None,
        }
    }

    /// Whether only a device that has the link can take the step.
    const fn is_by_device(self) -> bool {
        matches!(
            self,
            Self::RequestDelivered | Self::ProofFailed | Self::Completed
        )
    }
}

/// The outcomes of events that are no state.
pub const PROOF_REFUSED: &str = "PROOF_REFUSED";
pub const RESENT: &str = "RESENT";

named! {
    /// What probably opened a link.
    #[schema(as = LinkOpener)]
    pub enum Opener {
        /// A device: it went on to bind, from the same address or with the same user agent.
        Device = "DEVICE",
        /// A scanner or another program, by its user agent.
        Scanner = "SCANNER",
        /// Unknown: nothing has followed from there. Many scanners call themselves browsers.
        Unknown = "UNKNOWN",
    }
}

/// A step of a job.
#[derive(Clone, Debug)]
pub struct JobStep {
    pub id: EventId,
    pub step: Step,
    pub time: Timestamp,
    pub actor: String,
    pub correlation_id: String,
    pub source_address: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// Only of an opened link.
    pub opened_by: Option<Opener>,
    /// Why it failed.
    pub reason: Option<String>,
    pub mail: Option<MailReply>,
}

/// What the mail server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailReply {
    pub attempts: i64,
    /// The reply code (RFC 5321, section 4.2). Absent if the server was not reached.
    pub reply_code: Option<u16>,
    /// The enhanced status code (RFC 3463).
    pub enhanced_code: Option<String>,
}

impl MailReply {
    /// Reads the codes from a reason, which is in our own words.
    fn read(step: Step, details: &Value) -> Option<Self> {
        let attempts = details["attempts"].as_i64()?;
        let reason = details["reason"].as_str().unwrap_or_default();
        let mut codes = reason
            .strip_prefix("the mail server answered ")
            .unwrap_or_default()
            .split(' ');
        let reply_code = match step {
            // The only reply that accepts a message (RFC 5321, section 4.3.2).
            Step::MailAccepted => Some(250),
            _ => codes.next().and_then(|code| code.parse().ok()),
        };
        Some(Self {
            attempts,
            reply_code,
            enhanced_code: reply_code
                .and_then(|_| codes.next())
                .filter(|code| !code.is_empty())
                .map(str::to_owned),
        })
    }
}

impl JobStep {
    fn of(event: Recorded) -> Option<Self> {
        let step = Step::of(&event.kind, &event.outcome)?;
        let details = event.details;
        let text = |name: &str| details[name].as_str().map(str::to_owned);
        Some(Self {
            id: event.id,
            step,
            time: event.created_at,
            actor: event.actor,
            correlation_id: event.correlation_id,
            source_address: text("source_address").and_then(|address| address.parse().ok()),
            user_agent: text("user_agent").filter(|header| !header.is_empty()),
            opened_by: None,
            reason: text("reason"),
            mail: MailReply::read(step, &details),
        })
    }

    /// Whether two steps came from the same place.
    fn is_from_where(&self, other: &Self) -> bool {
        let same_address =
            self.source_address.is_some() && self.source_address == other.source_address;
        same_address || (self.user_agent.is_some() && self.user_agent == other.user_agent)
    }
}

/// Words in the user agents of programs that open links in mails. Compared in lower case.
const SCANNERS: [&str; 24] = [
    "bot",
    "crawl",
    "spider",
    "scan",
    "preview",
    "proxy",
    "safelinks",
    "proofpoint",
    "barracuda",
    "mimecast",
    "symantec",
    "forcepoint",
    "trendmicro",
    "sophos",
    "fortinet",
    "cloudmark",
    "urldefense",
    "headless",
    "facebookexternalhit",
    "whatsapp",
    "slack",
    "python",
    "wget",
    "go-http-client",
];

fn is_scanner(user_agent: &str) -> bool {
    let user_agent = user_agent.to_ascii_lowercase();
    SCANNERS.iter().any(|word| user_agent.contains(word))
}

/// Tells who opened the link, from the user agent and from what followed.
fn tell_openers(steps: &mut [JobStep]) {
    for at in 0..steps.len() {
        let (before, after) = steps.split_at_mut(at + 1);
        let Some(opened) = before.last_mut() else {
            continue;
        };
        if opened.step != Step::LinkOpened {
            continue;
        }
        let followed = after
            .iter()
            .take_while(|step| step.step != Step::Resent)
            .any(|step| step.step.is_by_device() && step.is_from_where(opened));
        let is_scanner = opened.user_agent.as_deref().is_some_and(is_scanner);
        opened.opened_by = Some(match (followed, is_scanner) {
            (true, _) => Opener::Device,
            (false, true) => Opener::Scanner,
            (false, false) => Opener::Unknown,
        });
    }
}

/// Creates the event about a step of a job, with where it came from.
pub fn event(ctx: &Context, key: JobRef, outcome: &'static str) -> Event {
    let event = Event::about(ctx, key, EventKind::CREDENTIAL_BINDING_JOB_CHANGE, outcome);
    if ctx.actor == Actor::System {
        return event;
    }
    let event = event.detail("source_address", ctx.source.ip);
    match ctx.source.user_agent.as_str() {
        "" => event,
        header => event.detail("user_agent", header),
    }
}

/// Returns a page of the steps of a job, oldest first.
///
/// # Errors
/// `NotFound`
pub async fn list(ctx: &Context, key: JobRef, page: &PageRequest) -> Result<Page<JobStep>> {
    let (job, events): (Option<BindingJob>, _) = ctx
        .app
        .db
        .read(async |rx| {
            let job = store::find(rx, key).await?;
            Ok((job, events::of_job(rx, key).await?))
        })
        .await?;
    if job.is_none() {
        return Err(key.not_found());
    }
    let mut steps: Vec<_> = events.into_iter().filter_map(JobStep::of).collect();
    // Events of one moment have ids in no order.
    steps.sort_by_key(|step| (step.time, step.step as u8, step.id));
    tell_openers(&mut steps);
    let total = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let after: Option<EventId> = page.after()?;
    let start = after.and_then(|after| steps.iter().position(|step| step.id == after));
    let skipped = start.map_or(0, |at| at + 1) + page.skip as usize;
    let limit = page.size as usize + 1;
    let rows = steps.into_iter().skip(skipped).take(limit).collect();
    Ok(page.page(rows, total, |step: &JobStep| step.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: Step, address: &str, user_agent: &str) -> JobStep {
        JobStep {
            id: "019cade2-405b-7160-911e-20b86b0d549b".parse().unwrap(),
            step,
            time: Timestamp::from_seconds(0),
            actor: "anonymous".to_owned(),
            correlation_id: String::new(),
            source_address: address.parse().ok(),
            user_agent: Some(user_agent.to_owned()),
            opened_by: None,
            reason: None,
            mail: None,
        }
    }

    #[test]
    fn a_scanner_is_told_from_a_device_by_its_name_and_by_what_follows() {
        const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0) Chrome/142.0.0.0 Safari/537.36";
        const PHONE: &str = "Mozilla/5.0 (iPhone) Version/18.6 Safari/604.1";
        let opener = |user_agent: &str, next: Option<JobStep>| {
            let mut steps = vec![step(Step::LinkOpened, "192.0.2.1", user_agent)];
            steps.extend(next);
            tell_openers(&mut steps);
            steps[0].opened_by.unwrap()
        };
        let asked = |address, user_agent| Some(step(Step::RequestDelivered, address, user_agent));
        assert_eq!(opener(CHROME, None), Opener::Unknown);
        assert_eq!(opener("Barracuda Sentinel (EE)", None), Opener::Scanner);
        assert_eq!(opener("python-requests/2.32", None), Opener::Scanner);
        assert_eq!(opener(CHROME, asked("192.0.2.1", CHROME)), Opener::Device);
        // A telephone changes its network, and an app has another name than the browser.
        assert_eq!(opener(PHONE, asked("198.51.100.1", PHONE)), Opener::Device);
        assert_eq!(
            opener(PHONE, asked("192.0.2.1", "MyApp/1.0")),
            Opener::Device
        );
        // Somebody else went on.
        assert_eq!(
            opener(CHROME, asked("198.51.100.1", PHONE)),
            Opener::Unknown
        );
        let replaced = Some(step(Step::Resent, "192.0.2.1", CHROME));
        assert_eq!(opener(CHROME, replaced), Opener::Unknown);
    }

    #[test]
    fn the_codes_of_a_reply_are_read_from_the_reason() {
        let read = |reason: &str| {
            let details = serde_json::json!({ "attempts": 2, "reason": reason });
            let reply = MailReply::read(Step::MailFailed, &details).unwrap();
            (reply.reply_code, reply.enhanced_code)
        };
        assert_eq!(
            read("the mail server answered 550 5.1.1"),
            (Some(550), Some("5.1.1".to_owned()))
        );
        assert_eq!(read("the mail server answered 451"), (Some(451), None));
        assert_eq!(read("the mail server took too long"), (None, None));
        assert_eq!(
            read("the mail server answered with an invalid reply"),
            (None, None)
        );
    }
}
