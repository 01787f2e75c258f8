import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import { tokenJson } from '../participants/desk.js'
import { type Flow, type Flowed, flow } from './flow.js'
import { type AgentStage, commonControl } from './stage.js'

const group = 'device'
const needs = ['identity', 'device']
const userCode = 'WDJB-MJHT'

/** The reasons of what a poll is answered. */
const reasons: Readonly<Record<string, string>> = {
  authorization_pending: 'decision_pending',
  slow_down: 'poll_too_fast',
}

/** A flow in which the user types in a code; `answers` are what a poll gets before the token, for `reason` where it is another. */
function deviceFlow(
  stage: AgentStage,
  title: string,
  o: {
    readonly answers?: readonly string[]
    readonly reason?: string
    readonly change?: Readonly<Record<string, unknown>>
  } = {},
): Flow {
  let polls = 0
  return {
    title,
    by: 'device',
    token({ form }, place) {
      const { mark } = place
      if (form['request_type'] === 'device_code') {
        const error = o.answers?.[polls]
        polls += 1
        if (error === undefined) return place.grant()
        const reason = o.reason ?? reasons[error]
        return tokenJson({ error, reason, error_description: 'a test' }, 400)
      }
      const codes = {
        device_code: `device-${mark}`,
        user_code: userCode,
        verification_uri: `${stage.authServer.id}/device`,
      }
      return tokenJson({ ...codes, expires_in: 60, interval: 1, ...o.change })
    },
  }
}

function polls({ asked }: Flowed): number[] {
  return asked.filter(({ form }) => form['request_type'] === 'device_code').map(({ visit }) => visit.at)
}

function deviceControl(trial: Trial, stage: AgentStage): Promise<Flowed> {
  const title = 'a GET that a user allows by a code'
  const make = (one: Trial): Promise<Flowed> =>
    flow(one, stage, deviceFlow(stage, title, { answers: ['authorization_pending'] }))
  return commonControl(trial, stage, { title, make })
}

/** What an agent does while a user types in a code. */
export const deviceCases: readonly Case<AgentStage>[] = [
  {
    id: 'device.code',
    group,
    needs,
    clauses: ['error.device'],
    async run(trial, stage) {
      const called = await deviceControl(trial, stage)
      const [first, ...later] = called.asked.map(({ form }) => form)
      trial.holds('the first request is device_auth', first?.['request_type'] === 'device_auth')
      trial.holds('it has no redirect_uri', first?.['redirect_uri'] === undefined)
      const isPoll = later.every(form => form['request_type'] === 'device_code' && form['device_code'] !== undefined)
      trial.holds('the others ask with the device code', isPoll && later.length === 2, `${later.length} came`)
      trial.holds('the user sees the code and the address', isShown(called.output, stage))
      trial.holds('no link has the code in it', !/https?:[!-~]*WDJB/.test(called.output))
      const [one = 0, two = 0] = polls(called)
      trial.holds('the interval is kept', two - one >= 950, `${two - one} ms passed`)
    },
  },
  {
    id: 'error.reason',
    words: 'a name that a caller does not know must be treated like its `error`',
    group,
    needs,
    async run(trial, stage) {
      await deviceControl(trial, stage)
      const answers = ['authorization_pending', 'authorization_pending']
      const { succeeded } = await flow(
        trial,
        stage,
        deviceFlow(stage, 'a poll is answered with a reason of later days', { answers, reason: 'conformance_later' }),
      )
      trial.holds('the agent goes on as `error` says', succeeded)
    },
  },
  {
    id: 'error.device',
    group,
    needs,
    async run(trial, stage) {
      await deviceControl(trial, stage)
      const slower = await flow(trial, stage, deviceFlow(stage, 'the agent polls too fast', { answers: ['slow_down'] }))
      const [one = 0, two = 0] = polls(slower)
      trial.holds('after slow_down it waits five seconds longer', two - one >= 5900, `${two - one} ms passed`)
      const ends = ['access_denied', 'expired_token'].map(error => async (part: Trial) => {
        const ended = await flow(part, stage, deviceFlow(stage, `a poll gets ${error}`, { answers: [error] }))
        part.holds(
          `${error} ends it`,
          polls(ended).length === 1 && !ended.succeeded,
          `${polls(ended).length} polls came`,
        )
      })
      await trial.all(ends)
    },
  },
  {
    id: 'agent.checks.user-url',
    words: 'must be https',
    group,
    needs,
    async run(trial, stage) {
      await deviceControl(trial, stage)
      const wrong = [
        ['its address is javascript:', { verification_uri: 'javascript:alert(/trace/)' }, 'alert(/trace/)'],
        [
          'its address is plain http elsewhere',
          { verification_uri: 'http://other.example/trace' },
          'other.example/trace',
        ],
      ] as const
      const parts = wrong.map(([title, change, trace]) => async (part: Trial) => {
        const { output, succeeded } = await flow(part, stage, deviceFlow(stage, title, { change }))
        part.holds(`${title}: the user does not see it`, !output.includes(trace))
        part.holds(`${title}: the agent says that it failed`, !succeeded)
      })
      await trial.all(parts)
    },
  },
]

function isShown(output: string, stage: AgentStage): boolean {
  return output.includes(userCode) && output.includes(`${stage.authServer.id}/device`)
}
