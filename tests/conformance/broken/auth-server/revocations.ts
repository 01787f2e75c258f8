// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what stands in these strings is code of the peer.
import type { BrokenPeer } from '../broken-peer.js'
import { grants, notices, send } from './files.js'

/** Notices of grants that have ended. */
export const revocations: readonly BrokenPeer[] = [
  {
    clause: 'revocation.claim',
    words: 'It must be 1 to 64 characters out of `A-Z a-z 0-9 - _`',
    file: grants,
    find: 'name: randomUUID(),',
    replace: 'name: `grant of ${agent}`,',
    cases: ['REV-23'],
  },
  {
    clause: 'revocation.claim.one',
    words: 'All tokens of one grant must carry the same name, refreshed ones too',
    file: grants,
    find: 'grant: grant.name,',
    replace: 'grant: randomUUID(),',
    cases: ['REV-23'],
  },
  {
    clause: 'revocation.claim.one',
    words: 'No other grant may have it',
    file: grants,
    find: 'name: randomUUID(),',
    replace: "name: 'one',",
    cases: ['REV-23'],
  },
  {
    clause: 'revocation.notice',
    words: 'at most 1 h 60 s ahead',
    file: notices,
    find: 'const exp = context.now() + longestLife;',
    replace: 'const exp = context.now() + 7200;',
    cases: ['revocation.own'],
  },
  {
    clause: 'revocation.until',
    words: '`exp` is the time of that transaction + the longest life of its tokens',
    file: notices,
    find: 'const exp = context.now() + longestLife;',
    replace: 'const exp = context.now() + 60;',
    cases: ['revocation.until'],
  },
  {
    clause: 'revocation.signer',
    words: 'The auth server must sign by `jwks_uri`, with `id` its issuer',
    file: send,
    find: 'keyMember: `jwks_uri;id="${id}";kid="${kid}";dwk="aauth-agent"`',
    replace: 'keyMember: `hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="${key.jwk.x}"`',
    cases: ['revocation.own'],
  },
  {
    clause: 'revocation.written',
    words: 'for the audience of the grant, and for those of grants that came of it by exchange here',
    file: grants,
    find: 'sendNotice(context, grant);',
    replace: '',
    cases: ['revocation.own'],
  },
  {
    clause: 'revocation.written',
    words: 'for the audience of the grant, and for those of grants that came of it by exchange here',
    file: grants,
    find: 'if (one.asked.upstream?.grant === grant)',
    replace: 'if (false)',
    cases: ['revocation.written'],
  },
  {
    clause: 'revocation.delivered',
    words: 'It must deliver until 204 or `exp`',
    file: notices,
    find: 'if (context.now() < exp)',
    replace: 'if (false)',
    cases: ['REV-19'],
  },
  {
    clause: 'revocation.delivered',
    words: 'Any answer but 204 is tried again',
    file: notices,
    find: 'if (status === 204)\n            return;',
    replace: '',
    cases: ['REV-19'],
  },
]
