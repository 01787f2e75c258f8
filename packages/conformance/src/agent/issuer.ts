import type { MoreMembers } from '../participants/participant.js'

/** The metadata of the suite's auth server. */
export const issuerMembers: MoreMembers = id => ({
  agent_token_endpoint: `${id}/agent/token`,
  agent_auth_endpoint: `${id}/agent/auth`,
  revocation_endpoint: `${id}/revoke`,
  request_types_supported: ['auth', 'code', 'refresh', 'device_auth', 'device_code'],
  agent_signing_algs_supported: ['Ed25519', 'ES256'],
})
