import type { Discovery } from '@countersign/discovery'
import { importVerifyKey, type VerifyKey } from '@countersign/httpsig'
import { AAuthError, type AgentMetadata, type PublishedKey } from '@countersign/protocol'

/**
 * A discovery that knows one agent and fetches nothing.
 * An agent server only ever meets its own agent tokens; a token that names another issuer must not make it call there.
 */
export function ownDiscovery(metadata: AgentMetadata, keys: readonly PublishedKey[]): Discovery {
  // Imported once: a verified token is remembered together with the key object it was verified under.
  const imported = new Map<string, Promise<VerifyKey>>()
  for (const { kid, key } of keys) imported.set(kid, importVerifyKey(key.publicJwk))
  const nothingElse = () =>
    Promise.reject(new AAuthError('discovery_failed', 'this agent server looks up no other participant'))
  const own: Discovery = {
    agent: id => (id === metadata.agent ? Promise.resolve(metadata) : nothingElse()),
    resource: nothingElse,
    authServer: nothingElse,
    async key(document, id, kid) {
      return document === 'aauth-agent' && id === metadata.agent ? imported.get(kid) : undefined
    },
    limited: () => own,
    purge: () => undefined,
  }
  return own
}
