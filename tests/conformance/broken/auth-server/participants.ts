// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what stands in these strings is code of the peer.
import type { BrokenPeer } from '../broken-peer.js'
import { shared } from '../files.js'
import { exchange, main, settings } from './files.js'

/** What it publishes, and whom it meets. */
export const participants: readonly BrokenPeer[] = [
  {
    clause: 'participant.also-agent',
    words: 'with the same keys, and with `redirect_uris` of its own',
    file: main,
    find: ', redirect_uris: [`${id}/link/callback`]',
    replace: '',
    cases: ['participant.also-agent'],
  },
  {
    clause: 'trust.auth-server.direct',
    words: 'only listed ones for direct grants',
    file: settings,
    find: 'if (grant.resource !== wish.resource)',
    replace: 'if (false)',
    cases: ['trust.auth-server.direct'],
  },
  {
    clause: 'trust.auth-server.upstream',
    words: 'it must fetch nothing for others',
    file: exchange,
    find: 'settings.exchange.rules.some(rule => rule.upstream === issuer)',
    replace: 'issuer.length > 0',
    cases: ['EXC-01'],
  },
  {
    clause: 'id.metadata.self',
    words: 'For an auth server that is `issuer` alone',
    file: main,
    find: 'issuer: id,\n',
    replace: 'issuer: `${id}/`,\n',
    cases: ['id.metadata.self'],
  },
  {
    clause: 'id.endpoints.origin',
    words: 'must be a URL on the origin `ID`, without a query',
    file: main,
    find: '`${id}/agent/revoke`',
    replace: '`${id}/agent/revoke?x=1`',
    cases: ['id.endpoints.origin'],
  },
  {
    clause: 'id.jwk-alg',
    words: 'Every published JWK and every `cnf.jwk` must carry `alg`',
    file: main,
    find: '{ ...key.jwk, kid,',
    replace: '{ ...key.jwk, alg: undefined, kid,',
    cases: ['id.jwk-alg'],
  },
  {
    clause: 'id.redirect-uris',
    words: '`redirect_uris` must be https, on any origin',
    file: shared('metadata-members'),
    find: 'redirect_uris: listOf(isUrl)',
    replace: 'redirect_uris: isTexts',
    cases: ['id.redirect-uris'],
  },
  {
    clause: 'metadata.auth-server',
    words: '`aauth-issuer`, of an auth server',
    file: main,
    find: 'agent_auth_endpoint: `${id}/agent/auth`,',
    replace: '',
    cases: ['id.metadata.self'],
  },
]
