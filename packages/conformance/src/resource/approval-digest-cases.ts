import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { errorOf, type Trial } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { requiredComponents } from '../signing/draft.js'
import type { WireResponse } from '../wire/message.js'
import { ask, askedOf, asks, digestOf, requested } from './asked-approval.js'
import { type DraftChange, withHeader } from './coverage-changes.js'
import type { ResourceStage } from './stage.js'

const group = 'approval'
const needs = ['approve']
/** It is another request than the approved one, or one that cannot be shown. */
const other: Refusal = { status: [401, 403], error: ['invalid_auth_token', 'insufficient_level', 'policy_denied'] }

type User = Readonly<Record<string, unknown>>

/** A request that covers more, and in what order. */
interface Covering {
  readonly title: string
  readonly change: DraftChange
}

const withMore: DraftChange = draft =>
  withHeader('x-b', 'two')(withHeader('x-a', 'one')(withHeader('x-a-b', 'three')(withHeader('x-d', 'a=1, b=2')(draft))))

const inOrder =
  (
    order: (required: readonly string[]) => readonly string[],
    values: Readonly<Record<string, string>> = {},
  ): DraftChange =>
  draft => {
    const more = withMore(draft)
    return { ...more, components: order(requiredComponents(more)), values }
  }

const bytesOf = (text: string): string => `:${Buffer.from(text).toString('base64')}:`

/** The order of the text is its own, whatever that of the signature. @see protocol §9.4 */
const coverings: readonly Covering[] = [
  { title: 'all that it must, the other way round', change: inOrder(required => required.toReversed()) },
  { title: 'one more field, first of all', change: inOrder(required => ['"x-b"', ...required]) },
  {
    title: 'more fields, in no order of names',
    change: inOrder(required => ['"x-b"', ...required.toReversed(), '"x-a-b"', '"x-d"', '"x-a"']),
  },
  {
    title: 'fields beside what the target says in other ways',
    change: inOrder(required => ['"x-a"', '"@target-uri"', ...required, '"@scheme"', '"@request-target"']),
  },
  {
    title: 'one name several times, in two orders',
    change: inOrder(
      required => ['"x-d";key="b"', '"x-a";bs', ...required, '"x-d"', '"x-b"', '"x-a"', '"x-d";key="a"'],
      { '"x-d";key="b"': '2', '"x-d";key="a"': '1', '"x-a";bs': bytesOf('one') },
    ),
  },
]

/** Headers that a signature need not cover. */
const loose: ReadonlyArray<readonly [name: string, value: string]> = [
  ['user-agent', 'eve4711'],
  ['accept-language', 'eve4711'],
  ['referer', 'https://other.example/eve4711'],
  ['cookie', 'note=eve4711'],
  ['idempotency-key', 'eve4711'],
  ['x-request-id', 'eve4711'],
  ['x-forwarded-for', 'eve4711'],
  ['x-note', 'eve4711'],
]

/** Every route that asks for approvals: some show what a request does, and some do not. */
function approveRoutes({ configuration }: ResourceStage): readonly Route[] {
  return configuration.routes.filter(
    ({ level, method, special }) => special.approve === true && level === 'authorized' && method === 'POST',
  )
}

/** The digest of the challenge is the one of the request, and its approval lets the request pass. */
async function isBound(
  trial: Trial,
  stage: ResourceStage,
  o: Covering & { readonly route: Route; readonly user: User },
) {
  const { title, change, route, user } = o
  const { draft, request } = requested(stage, route, { user, change })
  const response = await trial.refused(`${title}: it is challenged`, request, asks)
  const { operation } = askedOf(response)
  const digest = digestOf(draft, operation)
  trial.holds(`${title}: digest is that of the request`, operation.digest === digest, String(operation.digest))
  await trial.accepted(
    `${title}: the approved request passes`,
    () => requested(stage, route, { user, change, digest }).request,
  )
  return digest
}

/** The body with letters at the end of the first text that it holds. */
function withLetters({ body }: Route, letters: string): string {
  const read: unknown = JSON.parse(body)
  const [name, text] = Object.entries(Object(read)).find(([, value]) => typeof value === 'string') ?? []
  return name === undefined ? body : JSON.stringify({ ...Object(read), [name]: `${String(text)}${letters}` })
}

/** What the digest of a request is over, in which order. @see protocol §9.4 */
export const approvalDigestCases: readonly Case<ResourceStage>[] = [
  {
    id: 'approval.digest',
    words: ['the lines of every other covered component', 'The digest is the base64url SHA-256'],
    group,
    needs,
    async run(trial, stage) {
      for (const route of approveRoutes(stage)) {
        const { user } = await ask(trial, stage, route)
        for (const covering of coverings) {
          const title = `POST ${route.target}: the signature covers ${covering.title}`
          await isBound(trial, stage, { ...covering, title, route, user })
        }
      }
    },
  },
  {
    id: 'approval.digest.text',
    words: ['The text is digested in UTF-8', 'The strings of `display` are taken as they are'],
    group,
    needs,
    async run(trial, stage) {
      for (const route of approveRoutes(stage)) {
        const { user } = await ask(trial, stage, route)
        // In Latin-1, UTF-8 and UTF-16, and in another normal form, these are other texts.
        const body = Buffer.from(withLetters(route, ' \u00e9 e\u0301 \u{1f375}'))
        const title = `POST ${route.target}: its body has letters beyond ASCII`
        await isBound(trial, stage, { title, change: draft => ({ ...draft, body }), route, user })
      }
    },
  },
  {
    id: 'APR-19',
    words: ['`content-encoding` and `content-digest`, in this order', 'It must come from nothing else of the request'],
    group,
    needs,
    clauses: ['approval.digest', 'approval.shown'],
    async run(trial, stage) {
      const [route] = approveRoutes(stage)
      if (route === undefined) return
      const { user } = await ask(trial, stage, route)
      const [one, two] = ['one', 'two'].map(
        (value): DraftChange =>
          draft => {
            const changed = withHeader('x-b', value)(draft)
            return { ...changed, components: [...requiredComponents(changed), '"x-b"'] }
          },
      ) as [DraftChange, DraftChange]
      const title = 'a field is covered that changes what a request does'
      const digest = await isBound(trial, stage, { title, change: one, route, user })
      const again = (change: DraftChange) => () => requested(stage, route, { user, digest, change }).request
      await trial.refused('its value is another', again(two), other)
      await trial.refused('it is not covered any more', again(withHeader('x-b', 'one')), other)
      await trial.refused(
        'one more field is covered',
        again(draft => {
          const changed = withHeader('x-c', 'more')(one(draft))
          return { ...changed, components: [...(changed.components ?? []), '"x-c"'] }
        }),
        other,
      )
      for (const each of approveRoutes(stage)) await coded(trial, stage, { route: each, user })
      const change: DraftChange = draft => ({ ...draft, headers: [...draft.headers, ...loose] })
      const request = () => requested(stage, route, { user, change }).request
      const response = await trial.refused('it has headers that the signature does not cover', request, asks)
      const shown = String(askedOf(response).operation.display)
      trial.holds('none of them is shown', !shown.includes('eve4711'), shown)
    },
  },
]

/**
 * A content coding is one of the first lines. A body in a coding can be shown to nobody, so such a request may be refused as one that
 * cannot be shown; one without a body has nothing to show.
 */
async function coded(
  trial: Trial,
  stage: ResourceStage,
  { route, user }: { readonly route: Route; readonly user: User },
) {
  for (const [title, body] of [
    ['a body with a content coding that the signature covers', undefined],
    ['no body, and a content coding that the signature covers', ''],
  ] as const) {
    const change: DraftChange = draft => {
      const changed = withHeader('content-encoding', 'identity')(withHeader('accept', '*/*')(draft))
      return { ...changed, components: ['"content-encoding"', '"accept"', ...requiredComponents(changed)] }
    }
    const { draft, request } = requested(stage, route, { user, change, ...(body === undefined ? {} : { body }) })
    const { response } = await trial.sent(title, request)
    const { operation } = askedOf(response)
    const isRight = response?.status === 401 && operation.digest === digestOf(draft, operation)
    trial.holds(
      `${title}: its digest has the coding, or it is refused`,
      isRight || isRefused(response),
      String(response?.status),
    )
  }
}

function isRefused(response: WireResponse | undefined): boolean {
  if (response === undefined) return false
  const { status } = response
  return [400, 403, 415].includes(status) || (status === 401 && errorOf(response) === refusals.signature.error)
}
