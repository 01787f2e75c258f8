import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import { byPublishedKey } from '../resource/stage.js'
import { allowedBy, claimsOf, codesOf, granted, letDecide, memberOf, redeemed, type Waiting } from './asked-user.js'
import { exchangeForm, exchangeRequest, upstreamClaims } from './exchange.js'
import { type AuthServerStage, asked } from './stage.js'
import { openUpstreamSignIn, type UpstreamSignIn } from './upstream-sign-in.js'

const group = 'link'
const needs = ['exchange', 'consent', 'user']

/** The middle asks for what a user of the upstream auth server must allow. @throws Undecided */
async function waitingFor(trial: Trial, stage: AuthServerStage, sub: string): Promise<Waiting> {
  const { middle, configuration } = stage
  const [signer, redirectUri, state] = [byPublishedKey(middle), `${middle.id}/callback`, 'state-3']
  const response = await trial.control('the middle asks for a user of the upstream auth server', () => {
    const form = exchangeForm(stage, { ...upstreamClaims({ sub }), scope: configuration.consentScope })
    return asked(stage, { ...form, redirect_uri: redirectUri, state }, signer)
  })
  return { agent: middle, signer, requestToken: memberOf(response, 'request_token'), redirectUri, state }
}

/** A user allows it, as whom the upstream auth server says. Resolves with the codes that came. */
async function codesFor(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly title: string; readonly sub: string; readonly signIn: UpstreamSignIn; readonly user?: '1' | '2' },
): Promise<readonly string[]> {
  const waiting = await waitingFor(trial, stage, o.sub)
  const close = await openUpstreamSignIn(trial, stage, o.signIn)
  try {
    const { title, user = '1' } = o
    return codesOf(await letDecide(trial, stage, { waiting, title, decision: 'allow', user }))
  } finally {
    close()
  }
}

/** A user of the upstream auth server who has linked the account here: the `sub` there, and the one here. @throws Undecided */
async function linked(trial: Trial, stage: AuthServerStage): Promise<{ there: string; here: unknown; signed: number }> {
  const there = `user-${randomUUID()}`
  const waiting = await waitingFor(trial, stage, there)
  const close = await openUpstreamSignIn(trial, stage, { sub: there })
  try {
    const { claims } = await redeemed(trial, stage, await allowedBy(trial, stage, waiting))
    return { there, here: claims['sub'], signed: close() }
  } finally {
    close()
  }
}

/** INT, EXC: users of another auth server, who link their account there with the one here. */
export const linkCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'INT-16',
    group,
    needs,
    clauses: ['link.same-user'],
    async run(trial, stage) {
      const { signed } = await linked(trial, stage)
      trial.holds('it signs its requests to the upstream auth server', signed >= 2, `it signed ${signed}`)
      const { upstream } = stage
      const wrong: ReadonlyArray<readonly [string, (sub: string) => UpstreamSignIn]> = [
        ['another user signs in there', () => ({ sub: `user-${randomUUID()}` })],
        ['the answer comes with another iss', sub => ({ sub, iss: 'https://other.example' })],
        ['the answer comes with another state', sub => ({ sub, state: 'x'.repeat(22) })],
        ['the answer comes with iss and a slash', sub => ({ sub, iss: `${upstream.id}/` })],
      ]
      for (const [title, signIn] of wrong) {
        const sub = `user-${randomUUID()}`
        const codes = await codesFor(trial, stage, { title, sub, signIn: signIn(sub) })
        trial.holds(`${title}: no code comes`, codes.length === 0)
      }
    },
  },
  {
    id: 'EXC-27',
    words: 'must put its own `sub`',
    group,
    needs,
    clauses: ['exchange.sub', 'token.user'],
    async run(trial, stage) {
      const { there, here } = await linked(trial, stage)
      const own = await granted(trial, stage, { agent: await stage.openAgent() })
      trial.holds('sub is that of the user here', here === own.claims['sub'], `it is ${String(here)}`)
      trial.holds('sub is not that of the user there', here !== there)
      const later = await trial.accepted('the middle exchanges at once', () =>
        exchangeRequest(stage, upstreamClaims({ sub: there })),
      )
      trial.holds('the token is for the linked user', claimsOf(later)['sub'] === own.claims['sub'])
      const name = String(own.claims['sub'])
      const other = await trial.accepted('a user there has the sub of one here', () =>
        exchangeRequest(stage, upstreamClaims({ sub: name })),
      )
      trial.holds('the token is not for the user here', claimsOf(other)['sub'] !== name)
    },
  },
  {
    id: 'link.same-user',
    group,
    needs: [...needs, 'two-users'],
    async run(trial, stage) {
      const { there } = await linked(trial, stage)
      const [title, signIn] = ['another user opens the request of a linked one', { sub: there }]
      const codes = await codesFor(trial, stage, { title, sub: there, signIn, user: '2' })
      trial.holds('no code comes', codes.length === 0)
    },
  },
]
