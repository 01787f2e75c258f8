import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { type Draft, digestMember, signDraft } from '../signing/draft.js'
import { signToken, type TokenDraft } from '../signing/token.js'
import { changeHeader, headerLines, type WireRequest } from '../wire/message.js'
import { alsoCovering, queried } from './coverage-changes.js'
import { ask } from './endpoint-cases.js'
import {
  delegate,
  draftFor,
  findRoute,
  holder,
  lowestRoute,
  type ResourceStage,
  routeOf,
  type Signer,
} from './stage.js'
import { varied } from './variations.js'

// Each limit of the page from both sides: what is exactly at it passes, and what is one more does not. @see protocol §11

const group = 'bounds'
const kib = 1024
/** A header over its limit was not read, so no challenge could help. An HTTP parser may refuse it first. */
const tooLong: Refusal = { status: 431, challenge: 'none', orClosed: true }
const tokenTooLong: Refusal = { status: [401, 431], orClosed: true }

/** A header with another member of so many bytes that the whole has a length. */
function filled(field: string, length: number): (request: WireRequest) => WireRequest {
  return request =>
    changeHeader(request, field, value => {
      const start = `${value}, other="`
      return `${start}${'x'.repeat(length - start.length - 1)}"`
    })
}

/** A key with a note of so many characters that the whole header has a length. */
function noted(length: number): (draft: Draft) => Draft {
  return draft => {
    const start = `${draft.keyMember};note="`
    return { ...draft, keyMember: `${start}${'x'.repeat(length - `${draft.label}=${start}"`.length)}"` }
  }
}

/** A digest beside which an unknown one stands, so that the whole header has a length. */
function digestOfLength(length: number): (draft: Draft) => Draft {
  return draft => {
    const start = `${digestMember(draft.body)}, `
    // Base64 comes by fours: the name of the unknown digest takes the rest.
    const name = 'foo_'.slice(0, 1 + ((length - start.length - 4) % 4))
    const bytes = length - start.length - name.length - 3
    return { ...draft, digest: `${start}${name}=:${'A'.repeat(bytes)}:` }
  }
}

/** A token with a claim of so many characters that the whole has a length. */
function tokenOfLength(draft: TokenDraft, length: number): string {
  for (const note of ['', 'n', 'nn', 'nnn']) {
    const header = { ...draft.header, note }
    const made = (size: number) => signToken({ ...draft, header, claims: { ...draft.claims, more: 'x'.repeat(size) } })
    const least = Math.floor(((length - made(0).length) * 3) / 4) - 3
    for (let size = least; size < least + 8; size++) {
      const token = made(size)
      if (token.length === length) return token
    }
  }
  throw new TypeError('no token has that length')
}

/** Who signs by a token of a length. */
function byTokenOfLength(stage: ResourceStage, length: number): { readonly signer: Signer; readonly token: string } {
  let token = ''
  const signer = delegate(stage, draft => {
    token = tokenOfLength(draft, length)
    return draft
  })
  return { signer: { ...signer, keyMember: `jwt;jwt="${token}"` }, token }
}

/** Ids of one length in bytes, in letters of one, two, three and four bytes. */
const idsOf = (bytes: number): readonly string[] =>
  ['x', 'é', '€', '\u{1f375}'].map(letter => {
    const size = Buffer.byteLength(letter)
    return `${'x'.repeat(bytes % size)}${letter.repeat(Math.floor(bytes / size))}`
  })

/** The claims of tokens that hold ids, at the level whose tokens they are of. */
const idClaims: ReadonlyArray<
  readonly [level: 'identified' | 'authorized', name: string, claims: (id: string, stage: ResourceStage) => object]
> = [
  ['identified', 'sub of an agent token', id => ({ sub: id })],
  ['authorized', 'sub of an auth token', id => ({ sub: id })],
  ['authorized', 'agent_delegate of an auth token', id => ({ agent_delegate: id })],
  [
    'authorized',
    'agent_delegate of an act',
    (id, stage) => ({ act: { iss: stage.authServer.id, agent: 'https://first.example', agent_delegate: id } }),
  ],
]

function withToken(stage: ResourceStage, level: 'identified' | 'authorized', claims: object): WireRequest {
  const route = routeOf(stage, level)
  const change = (draft: TokenDraft): TokenDraft => ({ ...draft, claims: { ...draft.claims, ...claims } })
  return signDraft(
    draftFor(stage, route, level === 'identified' ? delegate(stage, change) : holder(stage, route, change)),
  )
}

/** So many words, each once. */
const words = (count: number): string => Array.from({ length: count }, (_, at) => `w${at}`).join(' ')

/** What a resource takes at most, and what more it does not. */
export const boundCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'DOS-03',
    group,
    clauses: ['limits.signature-key', 'limits.header-status'],
    accepted: [{ fault: 'Signature-Key has 7 KiB', draft: noted(7 * kib) }],
    refusal: tooLong,
    refused: [{ fault: 'Signature-Key has 7 KiB and a byte', draft: noted(7 * kib + 1) }],
  }),
  varied({
    id: 'DOS-27',
    group,
    clauses: ['sig.headers.limits', 'limits.header-status'],
    accepted: ['Signature-Input', 'Signature'].map(field => ({
      fault: `${field} has 8 KiB`,
      sent: filled(field, 8 * kib),
    })),
    refusal: tooLong,
    refused: [
      ...['Signature-Input', 'Signature'].map(field => ({
        fault: `${field} has 8 KiB and a byte`,
        sent: filled(field, 8 * kib + 1),
      })),
      {
        fault: 'two lines of Signature have 8 KiB and more together',
        sent: request => {
          const [line = ''] = headerLines(request, 'signature')
          const more = `other="${'x'.repeat(8 * kib - line.length)}"`
          return { ...request, headers: [...request.headers, ['signature', more]] }
        },
      },
    ],
  }),
  varied({
    id: 'DIG-22',
    words: 'A header that is longer than its limit must get 431',
    group,
    needs: ['write'],
    route: stage => lowestRoute(stage, 'POST'),
    clauses: ['limits.header-status'],
    accepted: [{ fault: 'Content-Digest has 4 KiB', draft: digestOfLength(4 * kib) }],
    refusal: tooLong,
    refused: [{ fault: 'Content-Digest has 4 KiB and a byte', draft: digestOfLength(4 * kib + 1) }],
  }),
  varied({
    id: 'DOS-02',
    group,
    clauses: ['limits.components'],
    accepted: [{ fault: 'one of 1000 parameters of a query is covered by name', draft: ofParameters(1000) }],
    refusal: { status: [400, 401, 414, 431], orClosed: true },
    refused: [{ fault: 'one of 1001 parameters of a query is covered by name', draft: ofParameters(1001) }],
  }),
  {
    id: 'token.size',
    group,
    needs: ['identified'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      const call = (length: number) => () => signDraft(draftFor(stage, route, byTokenOfLength(stage, length).signer))
      await trial.control('a token of 3 KiB', call(3 * kib))
      await trial.accepted('a token of 6 KiB', call(6 * kib))
      await trial.refused('a token of 6 KiB and a byte', call(6 * kib + 1), tokenTooLong)
    },
  },
  {
    id: 'limits.ids',
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      await trial.control('a request with an auth token', () => withToken(stage, 'authorized', {}))
      for (const [level, name, claims] of idClaims) {
        if (findRoute(stage, level) === undefined) continue
        const refusal = level === 'identified' ? refusals.agentToken : refusals.authToken
        for (const id of ['x', ...idsOf(512)])
          await trial.accepted(`${name} has ${said(id)}`, () => withToken(stage, level, claims(id, stage)))
        for (const id of idsOf(513))
          await trial.refused(`${name} has ${said(id)}`, () => withToken(stage, level, claims(id, stage)), refusal)
      }
    },
  },
  {
    id: 'limits.scopes',
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      const { scope } = routeOf(stage, 'authorized')
      const more = (count: number) => ({ scope: `${scope} ${words(count - scope.split(' ').length)}` })
      await trial.control('a request with an auth token', () => withToken(stage, 'authorized', {}))
      await trial.accepted('a token with 64 scopes', () => withToken(stage, 'authorized', more(64)))
      await trial.refused('a token with 65 scopes', () => withToken(stage, 'authorized', more(65)), refusals.authToken)
    },
  },
  {
    id: 'policy.words',
    words: 'A word is 1 to 128 characters of a scope token',
    group,
    needs: ['authorized'],
    clauses: ['limits.scopes', 'token.auth.claims'],
    async run(trial, stage) {
      const holding = (purposes: unknown) => () => withToken(stage, 'authorized', { purposes })
      await trial.control('a request with an auth token', () => withToken(stage, 'authorized', {}))
      await trial.accepted('64 purposes', holding(words(64)))
      await trial.accepted('a purpose of 128 characters', holding('w'.repeat(128)))
      await trial.accepted('all characters that a word may have', holding("!#$%&'()*+,-./:;<=>?@[]^_`{|}~"))
      for (const [title, purposes] of [
        ['65 purposes', words(65)],
        ['a purpose of 129 characters', 'w'.repeat(129)],
        ['a purpose comes twice', 'one one'],
        ['two spaces between purposes', 'one  two'],
        ['a space before them', ' one'],
        ['a tab between them', 'one\ttwo'],
        ['a quotation mark in one', 'a"b'],
        ['a backslash in one', 'a\\b'],
        ['a letter that is not ASCII', 'é'],
        ['no purpose', ''],
        ['purposes are an array', ['one']],
      ] as const)
        await trial.refused(title, holding(purposes), refusals.authToken)
    },
  },
  {
    id: 'TOK-07',
    group,
    needs: ['authorized', 'resource-token-endpoint'],
    clauses: ['limits.body', 'error.body-too-large'],
    async run(trial, stage) {
      const scope = routeOf(stage, 'authorized').scope
      const start = `scope=${encodeURIComponent(scope)}&more=`
      const body = (length: number) => `${start}${'x'.repeat(length - start.length)}`
      await trial.control('an agent asks for a resource token', () => ask(stage))
      await trial.accepted('the body has 64 KiB', () => ask(stage, { body: body(64 * kib) }))
      await trial.refused('the body has 64 KiB and a byte', () => ask(stage, { body: body(64 * kib + 1) }), {
        status: 413,
        error: 'invalid_request',
      })
    },
  },
]

const said = (id: string): string => `${Buffer.byteLength(id)} bytes in ${[...id].length} characters`

/** A query of so many parameters, one of which is covered by its name. */
function ofParameters(count: number): (draft: Draft) => Draft {
  return draft => {
    const one = queried(draft)
    const more = count - (one.target.split('?')[1] ?? '').split('&').length
    const target = `${one.target}${'&y=1'.repeat(more)}`
    const component = '"@query-param";name="x"'
    return { ...alsoCovering(component)({ ...one, target }), values: { [component]: '1' } }
  }
}
