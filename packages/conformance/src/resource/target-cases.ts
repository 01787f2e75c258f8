import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { addHeaders, type WireRequest } from '../wire/message.js'
import { lowestRoute, type ResourceStage } from './stage.js'
import { varied, withQuery } from './variations.js'

const group = 'target'
const refusal = refusals.signature
/** A router may not know a changed path, and then no handler of the route runs either. */
const refusedOrUnknown = { status: [400, 401, 404] } as const
/** A router may not know such a target: then nothing of the resource runs either. */
const malformed = { status: [400, 404], orClosed: true } as const

const toTarget = (change: (target: string) => string) => (request: WireRequest) => ({
  ...request,
  target: change(request.target),
})

/** Method, target and authority, as they were received. */
export const targetCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'COV-22',
    words: 'must never come from `Host`',
    group,
    refusal: { status: [401, 421] },
    refused: [
      {
        fault: 'it was signed for evil.example, and Host says so too',
        draft: draft => ({
          ...draft,
          authority: 'evil.example',
          headers: draft.headers.map(([name, value]) => [name, name === 'host' ? 'evil.example' : value]),
        }),
      },
    ],
  }),
  varied({
    id: 'COV-23',
    words: 'must never come from `Host`',
    group,
    accepted: [
      {
        fault: 'X-Forwarded-Host names another host',
        sent: request => addHeaders(request, ['X-Forwarded-Host', 'evil.example']),
      },
      {
        fault: 'Forwarded names another host',
        sent: request => addHeaders(request, ['Forwarded', 'host=evil.example']),
      },
    ],
    refusal,
    refused: [
      {
        fault: 'it was signed for evil.example, and X-Forwarded-Host says so too',
        draft: draft => ({ ...draft, authority: 'evil.example' }),
        sent: request => addHeaders(request, ['X-Forwarded-Host', 'evil.example']),
      },
      {
        fault: 'it was signed for evil.example, and Forwarded says so too',
        draft: draft => ({ ...draft, authority: 'evil.example' }),
        sent: request => addHeaders(request, ['Forwarded', 'host=evil.example']),
      },
    ],
  }),
  varied({
    id: 'COV-24',
    words: ['must answer 400 to these targets', 'must answer 400 to two `Host` lines'],
    group,
    refusal: malformed,
    refused: [
      { fault: 'there are two Host lines', sent: request => addHeaders(request, ['Host', 'evil.example']) },
      { fault: 'the target is absolute', sent: toTarget(target => `http://evil.example${target}`) },
    ],
  }),
  varied({
    id: 'COV-25',
    words: "must be the verifier's configured authority",
    group,
    refusal,
    refused: stage =>
      authoritiesBesides(stage.authority).map(authority => ({
        fault: `@authority was signed as ${authority}`,
        draft: draft => ({ ...draft, authority }),
      })),
  }),
  varied({
    id: 'COV-27',
    words: "must be the verifier's configured authority",
    group,
    refusal,
    refused: stage => [
      {
        fault: 'it was signed for the auth server',
        draft: draft => ({ ...draft, authority: new URL(stage.authServer.id).host }),
      },
    ],
  }),
  varied({
    id: 'COV-28',
    group,
    base: draft => ({ ...draft, target: withQuery(draft.target, 'a=%2fb+c') }),
    refusal: refusedOrUnknown,
    refused: [
      { fault: 'the query was encoded anew on the way', sent: toTarget(target => target.replace('%2fb', '%2Fb')) },
      { fault: 'a + of the query became %20 on the way', sent: toTarget(target => target.replace('+', '%20')) },
      {
        fault: 'a letter of the path was encoded on the way',
        sent: toTarget(target => target.replace(/^\/[A-Za-z0-9]/, first => `/%${first.charCodeAt(1).toString(16)}`)),
      },
    ],
  }),
  varied({
    id: 'COV-30',
    group,
    refusal: refusedOrUnknown,
    refused: [
      {
        fault: 'a slash was added to the path on the way',
        sent: toTarget(target => target.replace(/^[^?]*/, path => `${path}/`)),
      },
    ],
  }),
  varied({
    id: 'COV-32',
    group,
    base: draft => ({ ...draft, target: withQuery(draft.target, 'a=1&b=2') }),
    refusal,
    refused: [
      { fault: 'the query was reordered on the way', sent: toTarget(target => target.replace('a=1&b=2', 'b=2&a=1')) },
      { fault: 'a parameter was added on the way', sent: toTarget(target => `${target}&a=2`) },
      { fault: '& became ; on the way', sent: toTarget(target => target.replace('a=1&', 'a=1;')) },
      { fault: '& was encoded on the way', sent: toTarget(target => target.replace('a=1&', 'a=1%26')) },
      { fault: 'the query was taken off on the way', sent: toTarget(target => target.replace(/\?.*/, '')) },
    ],
  }),
  varied({
    id: 'COV-34',
    words: 'must answer 400 to these targets',
    group,
    refusal: malformed,
    refused: [
      { fault: 'the target has a fragment', draft: draft => ({ ...draft, target: `${draft.target}#b` }) },
      { fault: 'a fragment was added on the way', sent: toTarget(target => `${target}#b`) },
    ],
  }),
  varied({
    id: 'COV-35',
    words: 'must answer 400 to these targets',
    group,
    refusal: malformed,
    refused: stage => {
      const { target } = lowestRoute(stage)
      return [`${target}/\0`, `${target}/\x01`, `${target}\\x`, `${target}/\xff`].map(bad => ({
        fault: `the target is ${JSON.stringify(bad)}`,
        draft: draft => ({ ...draft, target: bad }),
      }))
    },
  }),
  varied({
    id: 'sig.target.form',
    words: 'must answer 400 to these targets',
    group,
    refusal: malformed,
    refused: stage => {
      const { target } = lowestRoute(stage)
      return [`/${target}`, `/x/..${target}`, `/.${target}`, `/x/%2e%2e${target}`, `/x/%2E.${target}`].map(bad => ({
        fault: `the target is ${bad}`,
        draft: draft => ({ ...draft, target: bad }),
      }))
    },
  }),
  varied({
    id: 'sig.target.escapes',
    words: 'bad `%` escapes',
    group,
    refusal: malformed,
    refused: ['%', '%2', '%zz'].map(bad => ({
      fault: `the query has the escape ${bad}`,
      draft: draft => ({ ...draft, target: withQuery(draft.target, `a=${bad}`) }),
    })),
  }),
  varied({
    id: 'COV-47',
    group,
    refusal: { status: [400, 404, 405], orClosed: true },
    refused: [
      { fault: 'the method is get, and was signed so', draft: draft => ({ ...draft, method: 'get' }) },
      { fault: 'the method became get on the way', sent: request => ({ ...request, method: 'get' }) },
    ],
  }),
]

/** Other spellings of an authority, none of which is its canonical one. */
function authoritiesBesides(authority: string): string[] {
  const [host = '', port] = authority.split(':')
  const other = port === undefined ? `${host}:443` : host
  return [
    host.toUpperCase() + (port === undefined ? '' : `:${port}`),
    `${host}.${port === undefined ? '' : `:${port}`}`,
    other,
  ]
}
