// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what stands in these strings is code of the peer.
import type { LegalVariant } from '../broken-peer.js'
import { consent, grants, main, pages, token, values } from './files.js'

/** Auth servers that do something else, which the page allows. */
export const legalAuthServers: readonly LegalVariant[] = [
  {
    what: 'answers have other members, in another order',
    file: grants,
    find: 'return { auth_token, expires_in: exp - iat };',
    replace: "return { more: [1], expires_in: exp - iat, auth_token, token_type: 'other' };",
  },
  {
    what: 'metadata have members that nobody knows',
    file: main,
    find: 'request_types_supported: requestTypes,',
    replace: "request_types_supported: [...requestTypes, 'other'], more: { of: ['this'] },",
  },
  {
    what: 'its tokens live for 90 s, and those of calls, too',
    file: grants,
    find: 'const longest = now() + (asked.operation === undefined ? life : callLife);',
    replace: 'const longest = now() + 90;',
  },
  {
    what: 'it remembers no answer of a user, but for exchanges',
    file: consent,
    find: '(!isGrave || asked.upstream !== undefined)',
    replace: 'asked.upstream !== undefined',
  },
  {
    what: 'pages are in other words and orders, with the agent as a list',
    file: pages,
    find: '<p>Its delegate ${escaped(delegate)} asks.</p>',
    replace: '<ul title="A list"><li>${escaped(delegate)}</li></ul>',
  },
  {
    what: 'errors have other descriptions, and reasons where the page names none',
    file: 'conformance/dist/peer/shared/refusal.js',
    find: 'reason, error_description: text,',
    replace:
      "reason: reason.startsWith('condition') ? reason : `own_${reason}`, error_description: `Nein: ${text}`, error_uri: 'https://auth.example/errors',",
  },
  {
    what: 'it answers slowly',
    file: token,
    find: 'const call = await readCall(context, request);',
    replace: 'const call = await readCall(context, request); await new Promise(resolve => setTimeout(resolve, 50));',
  },
  {
    what: 'codes and tokens are longer',
    file: values,
    find: "randomBytes(bytes).toString('base64url')",
    replace: "`${randomBytes(bytes).toString('base64url')}.${randomBytes(64).toString('hex')}`",
  },
]
