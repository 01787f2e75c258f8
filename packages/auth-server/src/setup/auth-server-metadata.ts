import { conditionTypes } from '@countersign/conditions'
import { algorithms } from '@countersign/httpsig'
import type { AuthServerMetadata } from '@countersign/protocol'
import { supportedIdentityScopes } from '../grant/identity-claims.js'
import type { AuthServerOptions } from '../options.js'

const withoutUsers = ['auth', 'refresh']
const withUsers = ['auth', 'code', 'refresh', 'device_auth', 'device_code', 'poll']

/** The request types that an auth server answers. */
export function requestTypesOf({ desk, exchange }: AuthServerOptions): string[] {
  const always = desk === undefined ? withoutUsers : withUsers
  return exchange === undefined || exchange.rules.length === 0 ? always : [...always, 'exchange']
}

/** The metadata of an auth server. */
export function authServerMetadata(options: AuthServerOptions): AuthServerMetadata {
  const { issuer, desk, deviceFlow = [] } = options
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    agent_token_endpoint: `${issuer}/agent/token`,
    ...(desk === undefined ? {} : { agent_auth_endpoint: `${issuer}/agent/authorize` }),
    revocation_endpoint: `${issuer}/agent/revoke`,
    agent_signing_algs_supported: algorithms,
    // Not offered where no agent may use it: each use would be refused with `unauthorized_client`.
    request_types_supported: requestTypesOf(options).filter(
      type => deviceFlow.length > 0 || !type.startsWith('device_'),
    ),
    ...(desk === undefined ? {} : { scopes_supported: supportedIdentityScopes }),
    constraints_supported: conditionTypes,
  }
}
