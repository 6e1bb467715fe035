// Generated from openapi/management.json by `cargo xtask codegen client`. Do not edit.

export type ClientOptions = {
    baseUrl: `${string}://${string}` | (string & {});
};

export type Application = {
    id: ApplicationId;
    tenant_id: TenantId;
    realm_id: RealmId;
    resource_server_id?: ResourceServerId | null;
    authenticator_config_id?: AuthenticatorConfigId | null;
    display_name: string;
    /**
     * Created by Keymoor. Can't be changed or deleted.
     */
    is_managed: boolean;
    /**
     * `management_api` for the built-in application that calls the management API.
     */
    classification: string;
    protocol_config: ProtocolConfig;
};

export type ApplicationId = string;

/**
 * The body of a create or update. Omitted fields get their defaults or stay unchanged.
 */
export type ApplicationRequest = {
    /**
     * A label for administrators, 1 to 256 characters. Required on creation.
     */
    display_name?: string | null;
    /**
     * The API that the application can call. An empty string removes it.
     */
    resource_server_id?: string | null;
    /**
     * How users are asked for their passkey. An empty string removes it.
     */
    authenticator_config_id?: string | null;
    protocol_config?: ProtocolConfigRequest;
};

export type AuthenticationMethod = {
    type: 'webauthn_passkey';
} | {
    type: 'software_passkey';
} | {
    type: 'email_one_time_password';
};

export type AuthenticatorConfig = {
    id: AuthenticatorConfigId;
    tenant_id: TenantId;
    realm_id: RealmId;
    display_name?: string | null;
    /**
     * Created by Keymoor. Can't be changed or deleted.
     */
    is_managed: boolean;
    config: AuthenticatorConfigVariant;
};

export type AuthenticatorConfigId = string;

/**
 * The body of a create or update. Omitted fields get their defaults or stay unchanged.
 */
export type AuthenticatorConfigRequest = {
    /**
     * A label for administrators, 1 to 256 characters.
     */
    display_name?: string | null;
    config?: AuthenticatorConfigSettings;
};

/**
 * The settings of every type of config. `type` is required on creation and can't be changed.
 */
export type AuthenticatorConfigSettings = {
    type?: AuthenticatorConfigType | null;
    invocation_type?: InvocationType | null;
    /**
     * Required for `embedded`: an absolute URL of at most 2,048 bytes.
     */
    invoke_url?: string | null;
    /**
     * Origins that may bind and sign in: `scheme://host[:port]`.
     */
    trusted_origins?: Array<string> | null;
    /**
     * The kinds of passkey. Defaults to both. Binding enforces them only if they are set.
     */
    authentication_methods?: Array<AuthenticationMethod> | null;
};

/**
 * The types of config.
 */
export type AuthenticatorConfigType = 'embedded' | 'hosted_web';

/**
 * The variants of a config.
 */
export type AuthenticatorConfigVariant = (EmbeddedAuthenticator & {
    type: 'embedded';
}) | (HostedWebAuthenticator & {
    type: 'hosted_web';
});

export type BatchCredentialBindingJob = {
    id: BatchId;
    tenant_id: TenantId;
    realm_id: RealmId;
    identity_ids: Array<string>;
    state: BatchCredentialBindingJobState;
    state_commentary: BatchStateCommentary;
    progress: BatchProgress;
    job_template: BatchCredentialBindingJobTemplate;
    create_time: Timestamp;
    update_time: Timestamp;
};

/**
 * A job in the results of a batch.
 */
export type BatchCredentialBindingJobResult = CredentialBindingJob;

export type BatchCredentialBindingJobState = 'RUNNING' | 'FAILED' | 'PARTIAL_SUCCESS' | 'SUCCESS';

export type BatchCredentialBindingJobTemplate = {
    authenticator_config_id?: AuthenticatorConfigId | null;
    authenticator_config?: InlineAuthenticatorConfigView | null;
    post_binding_redirect_uri?: string | null;
};

export type BatchId = string;

/**
 * How far a batch is, in rows of `identity_ids`.
 */
export type BatchProgress = {
    total: number;
    invited: number;
    failed: number;
    pending: number;
};

export type BatchRowError = {
    last_error: string;
    /**
     * Always true: a failed identity is not tried again.
     */
    failed_permanently: boolean;
};

export type BatchStateCommentary = {
    /**
     * The identities that were not invited, each with the reason.
     */
    errors: {
        [key: string]: BatchRowError;
    };
};

export type BindingJobId = string;

export type ChangeApplicationRequest = {
    application: ApplicationRequest;
};

export type ChangeAuthenticatorConfigRequest = {
    authenticator_config: AuthenticatorConfigRequest;
};

/**
 * Whether a realm's identities are customers or employees.
 */
export type Classification = 'SECURE_CUSTOMER' | 'SECURE_WORKFORCE';

export type CreateBatchCredentialBindingJobRequest = {
    batch_credential_binding_job: NewBatchCredentialBindingJob;
};

export type CreateCredentialBindingJobRequest = {
    job: NewCredentialBindingJob;
};

export type CreateCredentialBindingJobResponse = {
    /**
     * The link for the device. Only returned for RETURN, and only once.
     */
    credential_binding_link?: string | null;
    credential_binding_job: CredentialBindingJob;
};

export type CreateIdentityRequest = {
    identity: NewIdentity;
};

export type CreateRealmRequest = {
    realm: NewRealm;
};

export type Credential = {
    id: CredentialId;
    identity_id: IdentityId;
    realm_id: RealmId;
    tenant_id: TenantId;
    state: CredentialState;
    /**
     * How the key was registered.
     */
    csr_type: ProofKind;
    /**
     * The public key as the JSON text of a JWK (RFC 7517).
     */
    jwk_json: string;
    /**
     * The key's thumbprint (RFC 7638) in padded base64url.
     */
    jwk_thumbprint: string;
    attestation: CredentialAttestation;
    /**
     * The name that its owner recognises it by. By default the authenticator's product, or the
     * browser and the system that bound it. An extension of the published API, as the next two.
     */
    display_name: Name;
    last_used_time?: Timestamp | null;
    created_from: CredentialCreatedFrom;
    create_time: Timestamp;
    update_time: Timestamp;
};

/**
 * What the registration proved about the storage of the private key. An extension of the published
 * API.
 */
export type CredentialAttestation = {
    /**
     * `attested`: the authenticator's attestation verified against a configured root certificate.
     * `flagged`: not attested, but the authenticator data claims that the key can't leave its
     * authenticator. `unproven`: anything else, such as a software key.
     */
    level: string;
    /**
     * The attestation statement's format, such as `none` or `packed`, even if unknown. Absent for
     * a software key.
     */
    format?: string | null;
};

export type CredentialBindingJob = {
    id: BindingJobId;
    tenant_id: TenantId;
    realm_id: RealmId;
    identity_id: IdentityId;
    credential_id?: CredentialId | null;
    delivery_method: DeliveryMethod;
    state: CredentialBindingJobState;
    post_binding_redirect_uri?: string | null;
    authenticator_config_id?: AuthenticatorConfigId | null;
    authenticator_config?: InlineAuthenticatorConfigView | null;
    batch_id?: BatchId | null;
    expire_time: Timestamp;
    create_time: Timestamp;
    update_time: Timestamp;
};

export type CredentialBindingJobEvent = {
    id: EventId;
    step: CredentialBindingJobStep;
    time: Timestamp;
    /**
     * The application, identity or `system` that took the step. A device that only has the link is
     * `anonymous`.
     */
    actor: string;
    /**
     * The same for all events of one flow.
     */
    correlation_id: string;
    /**
     * Absent if the server itself took the step.
     */
    source_address?: string | null;
    user_agent?: ParsedUserAgent | null;
    opened_by?: LinkOpener | null;
    /**
     * Why the proof or the mail failed.
     */
    reason?: string | null;
    mail?: MailReply | null;
};

export type CredentialBindingJobState = 'LINK_SENT' | 'LINK_OPENED' | 'REQUEST_DELIVERED' | 'COMPLETE' | 'EXPIRED' | 'FAILED_TO_SEND' | 'REVOKED';

export type CredentialBindingJobStep = 'CREATED' | 'MAIL_ACCEPTED' | 'MAIL_FAILED' | 'FAILED_TO_SEND' | 'LINK_OPENED' | 'REQUEST_DELIVERED' | 'PROOF_FAILED' | 'COMPLETED' | 'REVOKED' | 'RESENT' | 'EXPIRED';

/**
 * Where the request came from that bound a credential. Credentials of older versions have only the
 * job.
 */
export type CredentialCreatedFrom = {
    credential_binding_job_id: BindingJobId;
    /**
     * The address of the device.
     */
    ip_address?: string | null;
    /**
     * The request's `User-Agent` header, up to 512 bytes.
     */
    user_agent?: string | null;
};

export type CredentialId = string;

export type CredentialPatch = {
    display_name?: Name | null;
};

export type CredentialState = 'ACTIVE' | 'REVOKED';

export type DeliveryMethod = 'RETURN' | 'EMAIL';

export type Detail = {
    field_violations: Array<Violation>;
    type: 'FieldViolations';
} | {
    resource_type: string;
    id: string;
    description: string;
    type: 'ResourceInfo';
};

export type EmbeddedAuthenticator = {
    /**
     * How a sign-in is handed over to the application. Binding ignores it.
     */
    invocation_type?: InvocationType;
    /**
     * The application's URL: http, https or an app's custom scheme. `/bind` and
     * `/bi-authenticate` are appended to its path, or to its fragment if it has one: single-page
     * applications route by `https://app.example.com/#/`.
     */
    invoke_url: string;
    /**
     * Origins that may bind and sign in: `scheme://host[:port]`. If empty, the origin of an
     * http or https `invoke_url`. Web views and browser extensions have origins such as
     * `capacitor://localhost`.
     */
    trusted_origins?: Array<string>;
    /**
     * The kinds of passkey that may be bound and sign in. If absent, both kinds.
     */
    authentication_methods?: Array<AuthenticationMethod> | null;
};

/**
 * An identity's progress towards its first passkey. Derived from its credentials and jobs,
 * never stored.
 */
export type EnrollmentStatus = 'ENROLLED' | 'PENDING' | 'INVITE_FAILED' | 'UNENROLLED';

/**
 * An audit event. Events never change.
 */
export type Event = {
    id: EventId;
    tenant_id: TenantId;
    realm_id: RealmId;
    /**
     * The kind of event.
     */
    kind: string;
    /**
     * What came of it, or the new state.
     */
    outcome: string;
    /**
     * `anonymous`, `system`, or the path of the application or identity.
     */
    actor: string;
    identity_id?: IdentityId | null;
    /**
     * The resource that the event is about.
     */
    resource_id?: string | null;
    /**
     * Shared by the events of one flow.
     */
    correlation_id: string;
    /**
     * More facts. They depend on the kind.
     */
    details: {
        [key: string]: unknown;
    };
    create_time: Timestamp;
};

export type EventId = string;

export type HostedWebAuthenticator = {
    /**
     * The kinds of passkey that may be bound and sign in. If absent, both kinds.
     */
    authentication_methods?: Array<AuthenticationMethod> | null;
    /**
     * Origins that may bind and sign in: `scheme://host[:port]`.
     */
    trusted_origins?: Array<string>;
};

/**
 * Which claims about a person an ID token carries.
 */
export type IdTokenClaims = 'scopes' | 'subject';

export type Identity = {
    id: IdentityId;
    realm_id: RealmId;
    tenant_id: TenantId;
    display_name: string;
    status: Status;
    enrollment_status: EnrollmentStatus;
    traits: Traits;
    create_time: Timestamp;
    update_time: Timestamp;
};

export type IdentityId = string;

export type IdentityPatch = {
    display_name?: Name | null;
    status?: Status | null;
    traits?: TraitsPatch | null;
};

/**
 * A config that is sent in place of the id of a stored one.
 */
export type InlineAuthenticatorConfig = {
    config: AuthenticatorConfigSettings;
};

/**
 * A config that came with a job or a batch.
 */
export type InlineAuthenticatorConfigView = {
    config: AuthenticatorConfigVariant;
};

/**
 * How `/authorize` responds.
 */
export type InvocationType = 'automatic' | 'manual';

/**
 * What probably opened a link.
 */
export type LinkOpener = 'DEVICE' | 'SCANNER' | 'UNKNOWN';

export type ListApplicationsResponse = {
    applications: Array<Application>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListAuthenticatorConfigsResponse = {
    authenticator_configs: Array<AuthenticatorConfig>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListBatchCredentialBindingJobResultsResponse = {
    job_results: Array<BatchCredentialBindingJobResult>;
    /**
     * Jobs that bound a passkey.
     */
    total_success_count: number;
    /**
     * Jobs whose link expired, was revoked or could not be mailed.
     */
    total_failure_count: number;
    /**
     * Jobs whose link may still be used.
     */
    total_pending_count: number;
    total_size: number;
    next_page_token?: string | null;
};

export type ListCredentialBindingJobEventsResponse = {
    credential_binding_job_events: Array<CredentialBindingJobEvent>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListCredentialBindingJobsResponse = {
    credential_binding_jobs: Array<CredentialBindingJob>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListCredentialsResponse = {
    credentials: Array<Credential>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListEventsResponse = {
    events: Array<Event>;
    next_page_token?: string | null;
};

export type ListIdentitiesResponse = {
    identities: Array<Identity>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListRealmsResponse = {
    realms: Array<Realm>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListResourceServersResponse = {
    resource_servers: Array<ResourceServer>;
    total_size: number;
    next_page_token?: string | null;
};

export type ListTokensResponse = {
    tokens: Array<Token>;
    total_size: number;
    next_page_token?: string | null;
};

export type MailReply = {
    /**
     * The number of attempts.
     */
    attempts: number;
    /**
     * The reply code of the mail server (RFC 5321). Absent if it did not answer.
     */
    reply_code?: number | null;
    /**
     * The enhanced status code of a failed mail (RFC 3463).
     */
    enhanced_code?: string | null;
};

/**
 * 1 to 64 characters. Must not be blank, start or end with a space, or contain any of {}[]<>;:?\/|*^%$#=~`! or a control, bidirectional or invisible character. Variation selectors are allowed, and joiners where a script or an emoji needs them.
 */
export type Name = string;

export type NewBatchCredentialBindingJob = {
    /**
     * 1 to 1,000 identities. An identity that can't be invited is reported in `state_commentary`,
     * and the others are invited.
     */
    identity_ids: Array<string>;
    job_template: NewBatchJobTemplate;
};

export type NewBatchJobTemplate = {
    /**
     * The authenticator config whose pages or app will bind the passkeys. Either this or
     * `authenticator_config` is required.
     */
    authenticator_config_id?: string | null;
    authenticator_config?: InlineAuthenticatorConfig | null;
    /**
     * The application's destination after binding. The SDK returns it and never navigates.
     */
    post_binding_redirect_uri?: string | null;
};

export type NewCredentialBindingJob = {
    delivery_method: DeliveryMethod;
    /**
     * The authenticator config whose pages or app will bind the passkey. Either this or
     * `authenticator_config` is required.
     */
    authenticator_config_id?: string | null;
    authenticator_config?: InlineAuthenticatorConfig | null;
    /**
     * The application's destination after binding. The SDK returns it and never navigates.
     */
    post_binding_redirect_uri?: string | null;
    /**
     * The lifetime of the link in seconds. Must be between the server settings
     * `link_lifetime_min_seconds` and `link_lifetime_max_seconds`. Defaults to
     * `link_lifetime_seconds`.
     */
    expires_in?: number | null;
};

export type NewIdentity = {
    display_name: Name;
    status?: Status | null;
    traits: Traits;
};

export type NewRealm = {
    /**
     * Unique in the tenant, ignoring case.
     */
    display_name: Name;
    classification?: Classification | null;
};

export type ParsedUserAgent = {
    /**
     * The header, at most 512 bytes.
     */
    raw: string;
    /**
     * The browser, if it is known.
     */
    family?: string | null;
    /**
     * The operating system, if it is known.
     */
    operating_system?: string | null;
};

/**
 * The error body of every endpoint except OAuth's.
 */
export type Problem = {
    /**
     * The status's name in lower snake case.
     */
    code: string;
    /**
     * What happened, for people.
     */
    message: string;
    details?: Array<Detail>;
};

/**
 * The kind of a binding proof.
 */
export type ProofKind = 'JWT' | 'WEBAUTHN' | 'FIDO2';

export type ProtocolConfig = {
    type: 'oauth2' | 'oidc';
    /**
     * The scopes of the resource server that the application may request.
     */
    allowed_scopes: Array<string>;
    client_id: string;
    /**
     * The secret of a confidential application. Requires `applications:read`.
     */
    client_secret?: string | null;
    confidentiality: 'confidential' | 'public';
    token_endpoint_auth_method: 'client_secret_basic' | 'none';
    grant_type: Array<'authorization_code' | 'client_credentials'>;
    redirect_uris: Array<string>;
    token_configuration: TokenConfiguration;
    id_token_claims: IdTokenClaims;
    pkce: 'disabled' | 'plain' | 's256';
    token_format: TokenFormat;
};

export type ProtocolConfigRequest = {
    type?: 'oauth2' | 'oidc';
    confidentiality?: 'confidential' | 'public';
    grant_type?: Array<'authorization_code' | 'client_credentials'>;
    /**
     * Absolute URLs without fragment or wildcard, at most 2,048 bytes each. Compared exactly, except
     * for the port of `http://127.0.0.1` and `http://[::1]`.
     */
    redirect_uris?: Array<string> | null;
    /**
     * Scopes of the resource server.
     */
    allowed_scopes?: Array<string> | null;
    pkce?: 'disabled' | 'plain' | 's256';
    token_configuration?: TokenConfigurationRequest | null;
    id_token_claims?: IdTokenClaims | null;
    token_format?: TokenFormat | null;
};

export type Realm = {
    id: RealmId;
    tenant_id: TenantId;
    display_name: string;
    classification: Classification;
    create_time: Timestamp;
    update_time: Timestamp;
};

export type RealmId = string;

export type RealmPatch = {
    display_name?: Name | null;
    classification?: Classification | null;
};

export type ResourceServer = {
    id: ResourceServerId;
    realm_id: RealmId;
    tenant_id: TenantId;
    display_name: string;
    /**
     * Created by Keymoor. Can't be changed or deleted.
     */
    is_managed: boolean;
    /**
     * The audience of tokens for this API. Unique in the realm.
     */
    identifier: string;
    scopes: Array<string>;
};

export type ResourceServerId = string;

export type SigningAlgorithm = 'RS256' | 'ES256';

/**
 * What happened in a realm.
 */
export type Statistics = {
    /**
     * A day each, oldest first. The last one is today.
     */
    days: Array<StatisticsOfDay>;
};

/**
 * The figures of a day.
 */
export type StatisticsOfDay = {
    /**
     * The day in UTC.
     */
    date: string;
    sign_ins: StatisticsOfSignIns;
    new_passkeys: StatisticsOfNewPasskeys;
    ended_credential_binding_jobs: StatisticsOfEndedCredentialBindingJobs;
};

/**
 * Binding jobs by how they ended. A job whose link is sent again after it expired can end twice.
 */
export type StatisticsOfEndedCredentialBindingJobs = {
    COMPLETE: number;
    EXPIRED: number;
    REVOKED: number;
};

/**
 * New passkeys by kind.
 */
export type StatisticsOfNewPasskeys = {
    /**
     * Software keys.
     */
    JWT: number;
    /**
     * WebAuthn credentials whose options the device created.
     */
    WEBAUTHN: number;
    /**
     * WebAuthn credentials whose options the server created.
     */
    FIDO2: number;
};

/**
 * Sign-ins by what came of them.
 */
export type StatisticsOfSignIns = {
    /**
     * The passkey was right, and the application got a code.
     */
    allowed: number;
    /**
     * The passkey was right, and policy, a revocation or a suspension refused.
     */
    denied: number;
    /**
     * The proof for an existing identity was invalid or used before. Proofs for unknown identities
     * aren't counted.
     */
    failed: number;
};

/**
 * Whether an identity can bind passkeys and sign in.
 */
export type Status = 'active' | 'suspended';

/**
 * The field of an identity that becomes the subject of its tokens. No two identities of a realm
 * may share a value of a field that an application uses.
 */
export type SubjectField = 'id' | 'email' | 'username' | 'external_id';

export type Tenant = {
    id: TenantId;
    display_name: string;
    create_time: Timestamp;
    update_time: Timestamp;
};

export type TenantId = string;

export type TenantPatch = {
    display_name?: Name | null;
};

export type Timestamp = string;

/**
 * An access token's record. It doesn't include the token itself.
 */
export type Token = {
    /**
     * The token's `jti`.
     */
    id: string;
    scopes: Array<string>;
    /**
     * The last characters of the token.
     */
    token_suffix: string;
    /**
     * Always `self_contained`: a JWT.
     */
    token_format: string;
    /**
     * In Unix seconds.
     */
    expires: number;
    /**
     * In Unix seconds.
     */
    issued_at: number;
    /**
     * Always `access`.
     */
    token_type: string;
};

/**
 * The configuration of an application's tokens.
 */
export type TokenConfiguration = {
    /**
     * The lifetime of access tokens in seconds, from 60 to 7,776,000 (90 days).
     */
    expires_after: number;
    token_signing_algorithm?: SigningAlgorithm;
    subject_field?: SubjectField;
};

export type TokenConfigurationRequest = {
    /**
     * The lifetime of access tokens in seconds, from 60 to 7,776,000 (90 days).
     */
    expires_after?: number | null;
    token_signing_algorithm?: SigningAlgorithm | null;
    subject_field?: SubjectField | null;
};

/**
 * The format of access tokens.
 */
export type TokenFormat = 'self_contained' | 'referential';

/**
 * A person's traits, version 0. Only the username is required.
 */
export type Traits = {
    /**
     * Always `traits_v0`.
     */
    type: TraitsKind;
    /**
     * Unique in the realm, ignoring case.
     */
    username: Name;
    primary_email_address?: string | null;
    secondary_email_address?: string | null;
    external_id?: string | null;
    family_name?: string | null;
    given_name?: string | null;
    formatted_name?: string | null;
    middle_name?: string | null;
    honorific_prefix?: string | null;
    honorific_suffix?: string | null;
    nick_name?: string | null;
    title?: string | null;
    primary_phone?: string | null;
    secondary_phone?: string | null;
    profile_url?: string | null;
    photo?: string | null;
    preferred_language?: string | null;
    locale?: string | null;
    timezone?: string | null;
    formatted_address?: string | null;
    street_address?: string | null;
    locality?: string | null;
    region?: string | null;
    postal_code?: string | null;
    country?: string | null;
    user_type?: string | null;
    employee_number?: string | null;
    cost_center?: string | null;
    organization?: string | null;
    division?: string | null;
    department?: string | null;
    manager_id?: string | null;
    manager_name?: string | null;
};

/**
 * The version of the traits.
 */
export type TraitsKind = 'traits_v0';

/**
 * Changes to traits. Omitted traits stay unchanged, and an empty string removes a trait.
 */
export type TraitsPatch = {
    /**
     * Always `traits_v0`.
     */
    type: TraitsKind;
    username?: Name | null;
    primary_email_address?: string | null;
    secondary_email_address?: string | null;
    external_id?: string | null;
    family_name?: string | null;
    given_name?: string | null;
    formatted_name?: string | null;
    middle_name?: string | null;
    honorific_prefix?: string | null;
    honorific_suffix?: string | null;
    nick_name?: string | null;
    title?: string | null;
    primary_phone?: string | null;
    secondary_phone?: string | null;
    profile_url?: string | null;
    photo?: string | null;
    preferred_language?: string | null;
    locale?: string | null;
    timezone?: string | null;
    formatted_address?: string | null;
    street_address?: string | null;
    locality?: string | null;
    region?: string | null;
    postal_code?: string | null;
    country?: string | null;
    user_type?: string | null;
    employee_number?: string | null;
    cost_center?: string | null;
    organization?: string | null;
    division?: string | null;
    department?: string | null;
    manager_id?: string | null;
    manager_name?: string | null;
};

export type UpdateCredentialRequest = {
    credential: CredentialPatch;
};

export type UpdateIdentityRequest = {
    identity: IdentityPatch;
};

export type UpdateRealmRequest = {
    realm: RealmPatch;
};

export type UpdateTenantRequest = {
    tenant: TenantPatch;
};

export type Violation = {
    /**
     * The dotted path of the field, including the envelope.
     */
    field: string;
    description: string;
};

export type GetTenantInput = {
    body?: never;
    path: {
        tenant_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}';
};

export type UpdateTenantInput = {
    body: UpdateTenantRequest;
    path: {
        tenant_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}';
};

export type ListRealmsInput = {
    body?: never;
    path: {
        tenant_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms';
};

export type CreateRealmInput = {
    body: CreateRealmRequest;
    path: {
        tenant_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms';
};

export type DeleteRealmInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}';
};

export type GetRealmInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}';
};

export type UpdateRealmInput = {
    body: UpdateRealmRequest;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}';
};

export type ListApplicationsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications';
};

export type CreateApplicationInput = {
    body: ChangeApplicationRequest;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications';
};

export type DeleteApplicationInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        application_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}';
};

export type GetApplicationInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        application_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}';
};

export type UpdateApplicationInput = {
    body: ChangeApplicationRequest;
    path: {
        tenant_id: string;
        realm_id: string;
        application_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}';
};

export type ListTokensInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        application_id: string;
    };
    query?: {
        /**
         * The principal's type: `application` or `identity`.
         */
        principal_type?: string;
        /**
         * The principal's id. Requires `principal_type`.
         */
        principal_id?: string;
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/tokens';
};

export type RevokeTokenInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        application_id: string;
        token_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/tokens/{token_id}';
};

export type ListAuthenticatorConfigsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs';
};

export type CreateAuthenticatorConfigInput = {
    body: ChangeAuthenticatorConfigRequest;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs';
};

export type DeleteAuthenticatorConfigInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        authenticator_config_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}';
};

export type GetAuthenticatorConfigInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        authenticator_config_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}';
};

export type UpdateAuthenticatorConfigInput = {
    body: ChangeAuthenticatorConfigRequest;
    path: {
        tenant_id: string;
        realm_id: string;
        authenticator_config_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}';
};

export type CreateBatchCredentialBindingJobInput = {
    body: CreateBatchCredentialBindingJobRequest;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs';
};

export type GetBatchCredentialBindingJobInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        batch_credential_binding_job_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}';
};

export type CancelBatchCredentialBindingJobInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        batch_credential_binding_job_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}:cancel';
};

export type ListBatchCredentialBindingJobResultsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        batch_credential_binding_job_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}:listResults';
};

export type ListEventsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * The kind, such as `AuthenticationTransaction`.
         */
        kind?: string;
        /**
         * The outcome, such as `COMPLETE:DENY`.
         */
        outcome?: string;
        /**
         * The identity that the event is about.
         */
        identity_id?: string;
        /**
         * The actor, exactly as events name it.
         */
        actor?: string;
        /**
         * The flow. Every response has its id in the header `X-Correlation-Id`.
         */
        correlation_id?: string;
        /**
         * The earliest time, in the form of RFC 3339.
         */
        from?: string;
        /**
         * The time before which the events happened, in the form of RFC 3339.
         */
        to?: string;
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week. A page may have fewer items
         * than requested, or none, and a token: the server looked through as much as one request may.
         */
        page_token?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/events';
};

export type GetEventInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        event_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/events/{event_id}';
};

export type StreamEventsInput = {
    body?: never;
    headers?: {
        /**
         * The `id` of the last message
         */
        'Last-Event-ID'?: string | null;
    };
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * The kind, such as `AuthenticationTransaction`.
         */
        kind?: string;
        /**
         * The outcome, such as `COMPLETE:DENY`.
         */
        outcome?: string;
        /**
         * The identity that the event is about.
         */
        identity_id?: string;
        /**
         * The actor, exactly as events name it.
         */
        actor?: string;
        /**
         * The flow. Every response has its id in the header `X-Correlation-Id`.
         */
        correlation_id?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/events:stream';
};

export type ListIdentitiesInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities';
};

export type CreateIdentityInput = {
    body: CreateIdentityRequest;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities';
};

export type DeleteIdentityInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}';
};

export type GetIdentityInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}';
};

export type UpdateIdentityInput = {
    body: UpdateIdentityRequest;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}';
};

export type ListCredentialBindingJobsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs';
};

export type CreateCredentialBindingJobInput = {
    body: CreateCredentialBindingJobRequest;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs';
};

export type GetCredentialBindingJobInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
        credential_binding_job_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}';
};

export type ListCredentialBindingJobEventsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
        credential_binding_job_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/events';
};

export type ResendCredentialBindingJobInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
        credential_binding_job_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}:resend';
};

export type SetCredentialBindingJobRevokedInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
        credential_binding_job_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}:revoke';
};

export type ListCredentialsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials';
};

export type GetCredentialInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
        credential_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}';
};

export type UpdateCredentialInput = {
    body: UpdateCredentialRequest;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
        credential_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}';
};

export type RevokeCredentialInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        identity_id: string;
        credential_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}:revoke';
};

export type ListResourceServersInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
         */
        page_size?: number;
        /**
         * The `next_page_token` of the previous page. Expires after a week.
         */
        page_token?: string;
        /**
         * The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
         * of the page token.
         */
        skip?: number;
        /**
         * A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
         */
        filter?: string;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/resource-servers';
};

export type GetResourceServerInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
        resource_server_id: string;
    };
    query?: never;
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/resource-servers/{resource_server_id}';
};

export type GetStatisticsInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * The number of days including today, 1 to 366. 30 by default.
         */
        days?: number;
    };
    url: '/v1/tenants/{tenant_id}/realms/{realm_id}/statistics';
};
