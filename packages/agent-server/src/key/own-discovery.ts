import type { Discovery } from '@countersign/discovery'
import { AAuthError, type AgentMetadata } from '@countersign/protocol'
import type { OwnKeys } from './own-keys.js'

/**
 * A discovery that knows one agent and fetches nothing.
 * An agent server only ever meets its own agent tokens; a token that names another issuer must not make it call there.
 */
export function ownDiscovery(metadata: AgentMetadata, keys: OwnKeys): Discovery {
  const nothingElse = () =>
    Promise.reject(new AAuthError('discovery_failed', 'this agent server looks up no other participant'))
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
