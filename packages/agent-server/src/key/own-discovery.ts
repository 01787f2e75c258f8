import type { Discovery } from '@countersign/discovery'
import type { AgentMetadata } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { OwnKeys } from '@countersign/store/internal'

/**
 * A discovery that knows only this agent and fetches nothing.
 * SSRF: an agent server accepts only its own agent tokens, so a token with another issuer must not make it fetch from there.
 */
export function ownDiscovery(metadata: AgentMetadata, keys: OwnKeys): Discovery {
  const nothingElse = () =>
    Promise.reject(
      refusal('token_issuer_wrong', {
        code: 'discovery_failed',
        about: 'this agent server accepts its own tokens only',
      }),
    )
  const own: Discovery = {
    agent: id => (id === metadata.agent ? Promise.resolve(metadata) : nothingElse()),
    resource: nothingElse,
    authServer: nothingElse,
    async key(document, id, kid) {
      return document === 'aauth-agent' && id === metadata.agent ? keys.verifyKey(kid) : undefined
    },
    limited: () => own,
    purge: () => undefined,
  }
  return own
}
