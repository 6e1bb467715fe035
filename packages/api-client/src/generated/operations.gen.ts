// Generated from openapi/management.json by `cargo xtask codegen client`. Do not edit.

import type { Call, ListCall, Operation } from '../operation.ts';
import type {
  Application,
  AuthenticatorConfig,
  BatchCredentialBindingJob,
  CancelBatchCredentialBindingJobInput,
  CreateApplicationInput,
  CreateAuthenticatorConfigInput,
  CreateBatchCredentialBindingJobInput,
  CreateCredentialBindingJobInput,
  CreateCredentialBindingJobResponse,
  CreateIdentityInput,
  CreateRealmInput,
  Credential,
  CredentialBindingJob,
  DeleteApplicationInput,
  DeleteAuthenticatorConfigInput,
  DeleteIdentityInput,
  DeleteRealmInput,
  Event,
  GetApplicationInput,
  GetAuthenticatorConfigInput,
  GetBatchCredentialBindingJobInput,
  GetCredentialBindingJobInput,
  GetCredentialInput,
  GetEventInput,
  GetIdentityInput,
  GetRealmInput,
  GetResourceServerInput,
  GetStatisticsInput,
  GetTenantInput,
  Identity,
  ListApplicationsInput,
  ListApplicationsResponse,
  ListAuthenticatorConfigsInput,
  ListAuthenticatorConfigsResponse,
  ListBatchCredentialBindingJobResultsInput,
  ListBatchCredentialBindingJobResultsResponse,
  ListCredentialBindingJobEventsInput,
  ListCredentialBindingJobEventsResponse,
  ListCredentialBindingJobsInput,
  ListCredentialBindingJobsResponse,
  ListCredentialsInput,
  ListCredentialsResponse,
  ListEventsInput,
  ListEventsResponse,
  ListIdentitiesInput,
  ListIdentitiesResponse,
  ListRealmsInput,
  ListRealmsResponse,
  ListResourceServersInput,
  ListResourceServersResponse,
  ListTokensInput,
  ListTokensResponse,
  Realm,
  ResendCredentialBindingJobInput,
  ResourceServer,
  RevokeCredentialInput,
  RevokeTokenInput,
  SetCredentialBindingJobRevokedInput,
  Statistics,
  Tenant,
  UpdateApplicationInput,
  UpdateAuthenticatorConfigInput,
  UpdateCredentialInput,
  UpdateIdentityInput,
  UpdateRealmInput,
  UpdateTenantInput,
} from './types.gen.ts';

/** The operations of the management API. Each call fails with a `KeymoorApiError` if the server refuses it. */
export interface ManagementApi {
  /** Reads the tenant. */
  getTenant: Call<GetTenantInput, Tenant>;

  /** Updates the tenant. Omitted fields stay unchanged. */
  updateTenant: Call<UpdateTenantInput, Tenant>;

  /** Lists the tenant's realms. Filters by `id` and `display_name`. */
  listRealms: ListCall<ListRealmsInput, ListRealmsResponse, 'realms'>;

  /** Creates an empty realm. */
  createRealm: Call<CreateRealmInput, Realm>;

  /** Reads a realm. */
  getRealm: Call<GetRealmInput, Realm>;

  /** Updates a realm. Omitted fields stay unchanged. */
  updateRealm: Call<UpdateRealmInput, Realm>;

  /** Deletes a realm without identities, and its configuration. The admin realm can't be deleted. */
  deleteRealm: Call<DeleteRealmInput, void>;

  /** Lists the applications of a realm. Filters by `id` and `display_name`. */
  listApplications: ListCall<ListApplicationsInput, ListApplicationsResponse, 'applications'>;

  /** Creates an application and generates its client id and secret. */
  createApplication: Call<CreateApplicationInput, Application>;

  /** Reads an application. */
  getApplication: Call<GetApplicationInput, Application>;

  /**
   * Updates an application. Omitted fields stay unchanged, also inside `protocol_config`. The
   * protocol and the confidentiality can't be changed.
   */
  updateApplication: Call<UpdateApplicationInput, Application>;

  /** Deletes an application. Its tokens become invalid. */
  deleteApplication: Call<DeleteApplicationInput, void>;

  /** Lists the valid access tokens that an application issued. */
  listTokens: ListCall<ListTokensInput, ListTokensResponse, 'tokens'>;

  /** Revokes an access token: immediately on this node, within ten seconds on the others. */
  revokeToken: Call<RevokeTokenInput, void>;

  /** Lists the configs of a realm. Filters by `id` and `display_name`. */
  listAuthenticatorConfigs: ListCall<ListAuthenticatorConfigsInput, ListAuthenticatorConfigsResponse, 'authenticator_configs'>;

  /** Creates a config. */
  createAuthenticatorConfig: Call<CreateAuthenticatorConfigInput, AuthenticatorConfig>;

  /** Reads a config. */
  getAuthenticatorConfig: Call<GetAuthenticatorConfigInput, AuthenticatorConfig>;

  /** Updates a config. Omitted fields stay unchanged, also inside `config`. The type is immutable. */
  updateAuthenticatorConfig: Call<UpdateAuthenticatorConfigInput, AuthenticatorConfig>;

  /** Deletes a config that no application uses. */
  deleteAuthenticatorConfig: Call<DeleteAuthenticatorConfigInput, void>;

  /** Creates a batch, which mails a link to each of up to 1,000 identities. */
  createBatchCredentialBindingJob: Call<CreateBatchCredentialBindingJobInput, BatchCredentialBindingJob>;

  /** Reads a batch with its progress. */
  getBatchCredentialBindingJob: Call<GetBatchCredentialBindingJobInput, BatchCredentialBindingJob>;

  /** Cancels the pending part of a batch. Links that were mailed keep working. */
  cancelBatchCredentialBindingJob: Call<CancelBatchCredentialBindingJobInput, BatchCredentialBindingJob>;

  /** Lists the jobs that a batch has created. */
  listBatchCredentialBindingJobResults: ListCall<ListBatchCredentialBindingJobResultsInput, ListBatchCredentialBindingJobResultsResponse, 'job_results'>;

  /**
   * Lists the events of a realm, newest first.
   *
   * The list has no total. With a filter, a page may have fewer events than requested, or none, and a
   * `next_page_token`: read on until there is no token.
   */
  listEvents: ListCall<ListEventsInput, ListEventsResponse, 'events'>;

  /** Reads an event. */
  getEvent: Call<GetEventInput, Event>;

  /**
   * Lists the identities of a realm. Filters by `id`, `display_name`, `traits.username` (ignoring
   * case), `traits.external_id` and `traits.primary_email_address`.
   */
  listIdentities: ListCall<ListIdentitiesInput, ListIdentitiesResponse, 'identities'>;

  /** Creates an identity. */
  createIdentity: Call<CreateIdentityInput, Identity>;

  /** Reads an identity. */
  getIdentity: Call<GetIdentityInput, Identity>;

  /** Updates an identity. Omitted fields stay unchanged. An empty string removes a trait. */
  updateIdentity: Call<UpdateIdentityInput, Identity>;

  /** Deletes an identity with its passkeys and binding jobs. */
  deleteIdentity: Call<DeleteIdentityInput, void>;

  /**
   * Lists the jobs of an identity, or with `-` of every identity of the realm. Filters by `state` and
   * `delivery_method`.
   */
  listCredentialBindingJobs: ListCall<ListCredentialBindingJobsInput, ListCredentialBindingJobsResponse, 'credential_binding_jobs'>;

  /** Creates a job. Its link lets a device bind one passkey to the identity. */
  createCredentialBindingJob: Call<CreateCredentialBindingJobInput, CreateCredentialBindingJobResponse>;

  /** Reads a job. */
  getCredentialBindingJob: Call<GetCredentialBindingJobInput, CredentialBindingJob>;

  /** Lists the steps of a job, oldest first. Steps are kept as long as audit events. */
  listCredentialBindingJobEvents: ListCall<ListCredentialBindingJobEventsInput, ListCredentialBindingJobEventsResponse, 'credential_binding_job_events'>;

  /**
   * Replaces the link of a job by a new one with a new lifetime. The old link stops working
   * immediately. For EMAIL, the new link is mailed to the address that the job was created with.
   */
  resendCredentialBindingJob: Call<ResendCredentialBindingJobInput, CreateCredentialBindingJobResponse>;

  /** Revokes a pending job. Its link stops working immediately. */
  setCredentialBindingJobRevoked: Call<SetCredentialBindingJobRevokedInput, CredentialBindingJob>;

  /**
   * Lists the credentials of an identity, or with `-` of every identity of the realm. Filters by
   * `state` and `jwk_thumbprint`.
   */
  listCredentials: ListCall<ListCredentialsInput, ListCredentialsResponse, 'credentials'>;

  /** Reads a credential. */
  getCredential: Call<GetCredentialInput, Credential>;

  /** Renames a credential. Omitted fields stay unchanged. */
  updateCredential: Call<UpdateCredentialInput, Credential>;

  /** Revokes a credential permanently. Its record stays. Revoking it again changes nothing. */
  revokeCredential: Call<RevokeCredentialInput, Credential>;

  /** Lists the resource servers of a realm. */
  listResourceServers: ListCall<ListResourceServersInput, ListResourceServersResponse, 'resource_servers'>;

  /** Reads a resource server. */
  getResourceServer: Call<GetResourceServerInput, ResourceServer>;

  /**
   * Reads what happened in a realm, a day each. An extension of the published API.
   *
   * Days are those of UTC. Events are counted in the background once a minute. The response also
   * includes up to 20,000 newer ones, so under heavy load it can lack those of the last minute.
   */
  getStatistics: Call<GetStatisticsInput, Statistics>;
}

export const OPERATIONS: Record<keyof ManagementApi, Operation> = {
  getTenant: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}',
  },
  updateTenant: {
    method: 'PATCH',
    path: '/v1/tenants/{tenant_id}',
    hasBody: true,
  },
  listRealms: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'realms',
  },
  createRealm: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms',
    hasBody: true,
  },
  getRealm: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}',
  },
  updateRealm: {
    method: 'PATCH',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}',
    hasBody: true,
  },
  deleteRealm: {
    method: 'DELETE',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}',
  },
  listApplications: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'applications',
  },
  createApplication: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications',
    hasBody: true,
  },
  getApplication: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}',
  },
  updateApplication: {
    method: 'PATCH',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}',
    hasBody: true,
  },
  deleteApplication: {
    method: 'DELETE',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}',
  },
  listTokens: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/tokens',
    query: ['principal_type', 'principal_id', 'page_size', 'page_token', 'skip', 'filter'],
    items: 'tokens',
  },
  revokeToken: {
    method: 'DELETE',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/applications/{application_id}/tokens/{token_id}',
  },
  listAuthenticatorConfigs: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'authenticator_configs',
  },
  createAuthenticatorConfig: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs',
    hasBody: true,
  },
  getAuthenticatorConfig: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}',
  },
  updateAuthenticatorConfig: {
    method: 'PATCH',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}',
    hasBody: true,
  },
  deleteAuthenticatorConfig: {
    method: 'DELETE',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/authenticator-configs/{authenticator_config_id}',
  },
  createBatchCredentialBindingJob: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs',
    hasBody: true,
  },
  getBatchCredentialBindingJob: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}',
  },
  cancelBatchCredentialBindingJob: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}:cancel',
  },
  listBatchCredentialBindingJobResults: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/batch-credential-binding-jobs/{batch_credential_binding_job_id}:listResults',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'job_results',
  },
  listEvents: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/events',
    query: ['kind', 'outcome', 'identity_id', 'actor', 'correlation_id', 'from', 'to', 'page_size', 'page_token'],
    items: 'events',
  },
  getEvent: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/events/{event_id}',
  },
  listIdentities: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'identities',
  },
  createIdentity: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities',
    hasBody: true,
  },
  getIdentity: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}',
  },
  updateIdentity: {
    method: 'PATCH',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}',
    hasBody: true,
  },
  deleteIdentity: {
    method: 'DELETE',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}',
  },
  listCredentialBindingJobs: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'credential_binding_jobs',
  },
  createCredentialBindingJob: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs',
    hasBody: true,
  },
  getCredentialBindingJob: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}',
  },
  listCredentialBindingJobEvents: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}/events',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'credential_binding_job_events',
  },
  resendCredentialBindingJob: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}:resend',
  },
  setCredentialBindingJobRevoked: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credential-binding-jobs/{credential_binding_job_id}:revoke',
  },
  listCredentials: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'credentials',
  },
  getCredential: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}',
  },
  updateCredential: {
    method: 'PATCH',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}',
    hasBody: true,
  },
  revokeCredential: {
    method: 'POST',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/credentials/{credential_id}:revoke',
  },
  listResourceServers: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/resource-servers',
    query: ['page_size', 'page_token', 'skip', 'filter'],
    items: 'resource_servers',
  },
  getResourceServer: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/resource-servers/{resource_server_id}',
  },
  getStatistics: {
    method: 'GET',
    path: '/v1/tenants/{tenant_id}/realms/{realm_id}/statistics',
    query: ['days'],
  },
};
