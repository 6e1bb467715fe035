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
     * Made by Keymoor, and not to be changed or deleted.
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
 * What an application is asked to be, or to become: what is absent has its default, or stays.
 */
export type ApplicationRequest = {
    /**
     * For administrators to read, 1 to 256 characters. Needed at first.
     */
    display_name?: string | null;
    /**
     * The API that the application can call; the empty string removes it.
     */
    resource_server_id?: string | null;
    /**
     * How users are asked for their passkey; the empty string removes it.
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
     * Made by Keymoor, and not to be changed or deleted.
     */
    is_managed: boolean;
    config: AuthenticatorConfigVariant;
};

export type AuthenticatorConfigId = string;

/**
 * What a config is asked to be, or to become: what is absent has its default, or stays.
 */
export type AuthenticatorConfigRequest = {
    /**
     * For administrators to read, 1 to 256 characters.
     */
    display_name?: string | null;
    config?: AuthenticatorConfigSettings;
};

/**
 * The settings of every type of config. `type` is needed at first, and can't be changed.
 */
export type AuthenticatorConfigSettings = {
    type?: AuthenticatorConfigType | null;
    invocation_type?: InvocationType | null;
    /**
     * Of `embedded`, and needed there: an absolute URL of at most 2,048 bytes.
     */
    invoke_url?: string | null;
    /**
     * Origins that may bind and sign in: `scheme://host[:port]`.
     */
    trusted_origins?: Array<string> | null;
    /**
     * Both kinds of passkey unless given. Binding insists on them only if they are given.
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

export type BindingJobId = string;

export type ChangeApplicationRequest = {
    application: ApplicationRequest;
};

export type ChangeAuthenticatorConfigRequest = {
    authenticator_config: AuthenticatorConfigRequest;
};

/**
 * Whose people a realm holds.
 */
export type Classification = 'SECURE_CUSTOMER' | 'SECURE_WORKFORCE';

export type CreateCredentialBindingJobRequest = {
    job: NewCredentialBindingJob;
};

export type CreateCredentialBindingJobResponse = {
    /**
     * The link for the device. Only for RETURN; it is shown this once.
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
     * How the key was introduced.
     */
    csr_type: ProofKind;
    /**
     * The public key as a JWK (RFC 7517), as text.
     */
    jwk_json: string;
    /**
     * The key's thumbprint (RFC 7638) in base64url, padded.
     */
    jwk_thumbprint: string;
    attestation: CredentialAttestation;
    create_time: Timestamp;
    update_time: Timestamp;
};

/**
 * What the key's registration has shown about where its private half lives. An extension of the
 * published API.
 */
export type CredentialAttestation = {
    /**
     * `attested`: the authenticator's attestation verified and led to a configured root.
     * `flagged`: not attested, but the authenticator data said that the key never leaves its
     * authenticator, which nobody else vouches for. `unproven`: anything else, such as a key
     * that software keeps.
     */
    level: string;
    /**
     * The attestation statement's format, such as `none` or `packed`, whether it is known or
     * not. Absent for a key that software keeps.
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
    authenticator_config_id: AuthenticatorConfigId;
    expire_time: Timestamp;
    create_time: Timestamp;
    update_time: Timestamp;
};

export type CredentialBindingJobState = 'LINK_SENT' | 'LINK_OPENED' | 'REQUEST_DELIVERED' | 'COMPLETE' | 'EXPIRED' | 'FAILED_TO_SEND' | 'REVOKED';

export type CredentialId = string;

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
     * Where a sign-in is handed to the application. Binding does not look at it.
     */
    invocation_type?: InvocationType;
    /**
     * The application's URL: http, https or a scheme of an app. `/bind` and `/bi-authenticate`
     * are appended.
     */
    invoke_url: string;
    /**
     * Origins that may bind and sign in: `scheme://host[:port]`. Empty means the origin of an
     * http or https `invoke_url`.
     */
    trusted_origins?: Array<string>;
    /**
     * Absent: both kinds of passkey, and binding does not insist.
     */
    authentication_methods?: Array<AuthenticationMethod> | null;
};

/**
 * How far an identity has come towards its first passkey. Derived from its credentials and
 * jobs, never stored.
 */
export type EnrollmentStatus = 'ENROLLED' | 'PENDING' | 'INVITE_FAILED' | 'UNENROLLED';

export type HostedWebAuthenticator = {
    /**
     * Absent: both kinds of passkey, and binding does not insist.
     */
    authentication_methods?: Array<AuthenticationMethod> | null;
    /**
     * Origins that may bind and sign in: `scheme://host[:port]`.
     */
    trusted_origins?: Array<string>;
};

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
 * How `/authorize` answers.
 */
export type InvocationType = 'automatic' | 'manual';

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

/**
 * 1 to 64 characters, not all of them blank, none of {}[]<>;:?\/|*^%$#=~`! and none that is a control character, changes the direction of text or is invisible, but for the joiners and variation selectors of scripts and emoji.
 */
export type Name = string;

export type NewCredentialBindingJob = {
    delivery_method: DeliveryMethod;
    /**
     * The config whose SDK pages or app will bind the passkey.
     */
    authenticator_config_id: string;
    /**
     * Where the application goes after binding; the SDK returns it and never navigates.
     */
    post_binding_redirect_uri?: string | null;
    /**
     * Lifetime of the link in seconds: within the server's settings
     * `link_lifetime_min_seconds` and `link_lifetime_max_seconds`, or the request is refused with
     * 400. `link_lifetime_seconds` of those unless given.
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
     * Unique in the tenant ignoring case.
     */
    display_name: Name;
    classification?: Classification | null;
};

/**
 * The body of every refusal outside OAuth.
 */
export type Problem = {
    /**
     * The status's name in lower snake case.
     */
    code: string;
    /**
     * What happened, in words.
     */
    message: string;
    details?: Array<Detail>;
};

/**
 * How a proof at binding was made.
 */
export type ProofKind = 'JWT' | 'WEBAUTHN' | 'FIDO2';

export type ProtocolConfig = {
    type: 'oauth2' | 'oidc';
    /**
     * The scopes of the resource server that the application may ask for.
     */
    allowed_scopes: Array<string>;
    client_id: string;
    /**
     * Of confidential applications, for callers with `applications:read`.
     */
    client_secret?: string | null;
    confidentiality: 'confidential' | 'public';
    token_endpoint_auth_method: 'client_secret_basic' | 'none';
    grant_type: Array<'authorization_code' | 'client_credentials'>;
    redirect_uris: Array<string>;
    token_configuration: TokenConfiguration;
    pkce: 'disabled' | 'plain' | 's256';
    token_format: TokenFormat;
};

export type ProtocolConfigRequest = {
    type?: 'oauth2' | 'oidc';
    confidentiality?: 'confidential' | 'public';
    grant_type?: Array<'authorization_code' | 'client_credentials'>;
    /**
     * Absolute URLs of at most 2,048 bytes without fragment, compared exactly.
     */
    redirect_uris?: Array<string> | null;
    /**
     * Scopes of the resource server.
     */
    allowed_scopes?: Array<string> | null;
    pkce?: 'disabled' | 'plain' | 's256';
    token_configuration?: TokenConfigurationRequest | null;
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
     * Made by Keymoor, and not to be changed or deleted.
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
 * Whether an identity may make passkeys and sign in.
 */
export type Status = 'active' | 'suspended';

/**
 * What of an identity becomes the subject of its tokens.
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
 * An access token. Its text is never shown again.
 */
export type Token = {
    /**
     * The token's `jti`.
     */
    id: string;
    scopes: Array<string>;
    /**
     * The last characters of the token's text.
     */
    token_suffix: string;
    /**
     * `self_contained`: a JWT.
     */
    token_format: string;
    /**
     * Unix seconds.
     */
    expires: number;
    /**
     * Unix seconds.
     */
    issued_at: number;
    /**
     * `access`.
     */
    token_type: string;
};

/**
 * What an application's tokens are like.
 */
export type TokenConfiguration = {
    /**
     * Lifetime of access tokens in seconds, at least 60 and at most 7,776,000 (90 days).
     */
    expires_after: number;
    token_signing_algorithm?: SigningAlgorithm;
    subject_field?: SubjectField;
};

export type TokenConfigurationRequest = {
    /**
     * Lifetime of access tokens in seconds, at least 60 and at most 7,776,000 (90 days).
     */
    expires_after?: number | null;
    token_signing_algorithm?: SigningAlgorithm | null;
    subject_field?: SubjectField | null;
};

/**
 * What access tokens look like to those who hold them.
 */
export type TokenFormat = 'self_contained' | 'referential';

/**
 * What is known of a person, version 0: everything but the username is optional.
 */
export type Traits = {
    /**
     * Always `traits_v0`.
     */
    type: TraitsKind;
    /**
     * Unique in the realm ignoring case.
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
 * Changes to traits: what is absent stays, an empty text removes.
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
     * Dotted path of the field, envelope included.
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
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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
         * Whom the tokens speak for: `application` or `identity`.
         */
        principal_type?: string;
        /**
         * The id of the one that they speak for; needs `principal_type`.
         */
        principal_id?: string;
        /**
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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

export type ListIdentitiesInput = {
    body?: never;
    path: {
        tenant_id: string;
        realm_id: string;
    };
    query?: {
        /**
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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
         * At most this many items. 0 is the default; a larger number than the maximum is clamped.
         */
        page_size?: number;
        /**
         * `next_page_token` of the page before. Expires after a week.
         */
        page_token?: string;
        /**
         * How many items to pass over first. Not kept by the page token.
         */
        skip?: number;
        /**
         * `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
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
