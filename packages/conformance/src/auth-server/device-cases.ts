import type { Case } from '../case/case.js'
import { hasRoomFor } from '../case/random-text.js'
import type { Refusal } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { byPublishedKey } from '../resource/stage.js'
import { jsonBody } from '../wire/message.js'
import { actOnDevice, claimsOf, granted, memberOf } from './asked-user.js'
import { liveMarkup, markup } from './live-markup.js'
import { pageOf } from './page-cases.js'
import { textsOf } from './shown-text.js'
import { type AuthServerStage, asked, type Delegate, makeDelegate, resourceToken } from './stage.js'

const group = 'device'
const needs = ['consent', 'device-flow']
const pending: Refusal = { status: 400, error: 'authorization_pending' }
const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }

/** What a device shows to its user, and what it polls with. */
interface Codes {
  readonly signer: Delegate
  readonly deviceCode: string
  readonly userCode: string
  readonly uri: string
  readonly answer: Readonly<Record<string, unknown>>
}

/** A device of the agent asks for a scope that a user must allow. @throws Undecided */
async function askOnDevice(
  trial: Trial,
  stage: AuthServerStage,
  { sub = 'device-1', form = {} }: { readonly sub?: string; readonly form?: Readonly<Record<string, string>> } = {},
): Promise<Codes> {
  const signer = makeDelegate(stage, sub)
  const scope = stage.configuration.consentScope
  const response = await trial.control('a device asks', () =>
    asked(
      stage,
      { request_type: 'device_auth', resource_token: resourceToken(stage, undefined, { signer, scope }), ...form },
      signer,
    ),
  )
  const answer = jsonBody(response) ?? {}
  return {
    signer,
    deviceCode: memberOf(response, 'device_code'),
    userCode: memberOf(response, 'user_code'),
    uri: memberOf(response, 'verification_uri'),
    answer,
  }
}

const poll = (stage: AuthServerStage, { deviceCode, signer }: Codes, other?: Parameters<typeof asked>[2]) =>
  asked(stage, { request_type: 'device_code', device_code: deviceCode }, other ?? signer)

/** TOK: the device flow. */
export const deviceCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'device.auth',
    group,
    needs,
    clauses: ['error.unauthorized-client'],
    async run(trial, stage) {
      const codes = await askOnDevice(trial, stage)
      const { answer, userCode, uri } = codes
      for (const name of ['device_code', 'user_code', 'verification_uri'])
        trial.holds(`${name} is a text`, typeof answer[name] === 'string')
      for (const name of ['expires_in', 'interval'])
        trial.holds(`${name} is a whole number over 0`, Number.isInteger(answer[name]) && Number(answer[name]) > 0)
      const letters = userCode.replace(/[^A-Za-z]/g, '')
      trial.holds('user_code has at least 8 letters', letters.length >= 8, `it has ${letters.length}`)
      trial.holds('the device code has room for 128 random bits', hasRoomFor(codes.deviceCode, 128))
      trial.holds('verification_uri is a URL', URL.canParse(uri), uri)
      const carriers = Object.entries(answer).filter(
        ([name, value]) =>
          name !== 'user_code' && String(value).replace(/\W/g, '').includes(userCode.replace(/\W/g, '')),
      )
      trial.holds('no URL carries the code', carriers.length === 0, carriers.map(([name]) => name).join(', '))
      const direct = await trial.accepted('a device asks for what is granted directly', () =>
        asked(stage, { request_type: 'device_auth', resource_token: resourceToken(stage) }),
      )
      trial.holds('it gets a token at once', claimsOf(direct)['iss'] === stage.id)
      const { otherAgent: agent, configuration } = stage
      const token = () => resourceToken(stage, undefined, { agent, scope: configuration.consentScope })
      await trial.refused(
        'an agent asks that may not use the device flow',
        () => asked(stage, { request_type: 'device_auth', resource_token: token() }, byPublishedKey(agent)),
        { status: 403, error: 'unauthorized_client' },
      )
    },
  },
  {
    id: 'error.device',
    group,
    needs,
    clauses: ['device.code', 'TOK-35'],
    async run(trial, stage) {
      const codes = await askOnDevice(trial, stage)
      await trial.refused('it polls before the user has decided', () => poll(stage, codes), pending)
      await trial.refused('it polls again at once', () => poll(stage, codes), {
        status: 400,
        error: ['slow_down', 'authorization_pending'],
      })
      const others: ReadonlyArray<readonly [string, Parameters<typeof asked>[2]]> = [
        ['another agent', byPublishedKey(stage.otherAgent)],
        ['the agent itself', byPublishedKey(stage.agent)],
        ['a sibling', makeDelegate(stage, 'device-2')],
      ]
      for (const [who, signer] of others)
        await trial.refused(`${who} polls with its code`, () => poll(stage, codes, signer), invalidGrant)
      const unknown = { ...codes, deviceCode: 'x'.repeat(43) }
      await trial.refused('the device code is unknown', () => poll(stage, unknown), invalidGrant)
      await trial.refused(
        'it polls with the user code',
        () => poll(stage, { ...codes, deviceCode: codes.userCode }),
        invalidGrant,
      )
    },
  },
  {
    id: 'device.code',
    group,
    needs: [...needs, 'user'],
    clauses: ['code.repeat'],
    async run(trial, stage) {
      const codes = await askOnDevice(trial, stage)
      const acted = await actOnDevice(stage, { url: codes.uri, code: codes.userCode, decision: 'allow' })
      if (!acted.succeeded)
        throw new Undecided('failed', `could not decide: the user did not get through: ${acted.detail}`)
      const response = await trial.accepted('it polls after the user has allowed it', () => poll(stage, codes))
      const claims = claimsOf(response)
      trial.holds('the token is for the device', claims['agent_delegate'] === codes.signer.delegate)
      trial.holds('scope is what was asked for', claims['scope'] === stage.configuration.consentScope)
      trial.holds('the user has a sub', typeof claims['sub'] === 'string')
      const again = await trial.accepted('it polls again within a minute', () => poll(stage, codes))
      trial.holds('it gets the same token', memberOf(again, 'auth_token') === memberOf(response, 'auth_token'))
      const renewed = makeDelegate(stage, codes.signer.delegate)
      await trial.refused('it polls again with another key', () => poll(stage, codes, renewed), invalidGrant)
      const other = await askOnDevice(trial, stage)
      await actOnDevice(stage, { url: other.uri, code: other.userCode, decision: 'refuse' })
      await trial.refused('it polls after the user has refused, a second time', () => poll(stage, other), {
        status: [400, 403],
        error: 'access_denied',
      })
    },
  },
  {
    id: 'consent.device',
    group,
    needs: [...needs, 'user'],
    clauses: ['consent.remembered', 'consent.browser'],
    async run(trial, stage) {
      const sub = `device-1 ${markup('delegate')}`
      // A consent to the same delegate, which a device code must not make use of.
      const form = { purpose: markup('purpose') }
      const one = await granted(trial, stage, { agent: stage.agent, delegate: makeDelegate(stage, sub), form })
      const codes = await askOnDevice(trial, stage, { sub, form })
      const acted = await actOnDevice(stage, { url: codes.uri, code: codes.userCode, decision: 'refuse' })
      await trial.refused('the user could refuse', () => poll(stage, codes), {
        status: [400, 403],
        error: 'access_denied',
      })
      const page = pageOf(acted)
      for (const { id } of [stage.agent, stage.resource])
        trial.holds(`the page shows ${new URL(id).host}`, page.includes(new URL(id).host))
      trial.holds('the page shows which delegate asks', page.includes('device-1'))
      trial.holds('markup in any text is inert', liveMarkup(page).length === 0, liveMarkup(page).join(', '))
      const where = ['127.0.0.1', '::1', 'localhost'].some(address => withoutHosts(page, stage).includes(address))
      // None where a remembered yes has answered.
      const byLink = one.decided.acted.page
      const isMore = byLink === undefined || textsOf(page, []).some(text => !textsOf(byLink, []).includes(text))
      trial.holds('the page says more than that of a link: where and when it was asked for', isMore)
      trial.should('the page says from where the request came', where || stage.scheme === 'https')
    },
  },
  {
    id: 'consent.device-guesses',
    words: 'a wait of ten minutes',
    group,
    needs: [...needs, 'user', 'two-users'],
    async run(trial, stage) {
      if (!stage.slow)
        throw new Undecided('skipped', 'the second user types in no code for 10 minutes then: --slow runs it')
      const first = await askOnDevice(trial, stage)
      await actOnDevice(stage, { url: first.uri, code: first.userCode, decision: 'allow' }, '2')
      await trial.control('the second user allows a device', () => poll(stage, first))
      const miss = () => actOnDevice(stage, { url: first.uri, code: 'BCDF-GHJK', decision: 'allow' }, '2')
      for (let misses = 1; misses <= 4; misses++) await miss()
      const found = await askOnDevice(trial, stage)
      await actOnDevice(stage, { url: found.uri, code: found.userCode, decision: 'allow' }, '2')
      await trial.accepted('after four wrong codes and a right one, another right one counts', () => poll(stage, found))
      await miss()
      const second = await askOnDevice(trial, stage)
      await actOnDevice(stage, { url: second.uri, code: second.userCode, decision: 'allow' }, '2')
      await trial.refused(
        'after five wrong codes of that user, a right one counts for nothing',
        () => poll(stage, second),
        pending,
      )
      const third = await askOnDevice(trial, stage)
      await actOnDevice(stage, { url: third.uri, code: third.userCode, decision: 'allow' })
      await trial.accepted('the other user types a right code in', () => poll(stage, third))
    },
  },
]

/** The page without the hosts of all participants, which are on loopback as well. */
function withoutHosts(page: string, stage: AuthServerStage): string {
  const hosts = [stage, stage.agent, stage.resource].map(({ id }) => new URL(id).host)
  return hosts.reduce((text, host) => text.replaceAll(host, ''), page)
}
