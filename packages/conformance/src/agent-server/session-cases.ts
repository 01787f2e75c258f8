import type { Case } from '../case/case.js'
import { signDraft } from '../signing/draft.js'
import { makeKey, type TestKey } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import type { HeaderLine, WireRequest } from '../wire/message.js'
import { tokenIn } from './rotation-cases.js'
import { type AgentServerStage, enrolmentDraft } from './stage.js'

const invalidGrant = { status: 400, error: 'invalid_grant' }

/** The request by which a page enrols a key. */
function enrolment(stage: AgentServerStage, key: TestKey, lines: readonly HeaderLine[]): WireRequest {
  const { session } = stage.configuration
  const draft = enrolmentDraft(stage, key, { type: 'session', ...session?.members })
  return signDraft({ ...draft, headers: [...draft.headers, ...lines] })
}

/** Delegates that enrol by a signed-in session. */
export const sessionCases: readonly Case<AgentServerStage>[] = [
  {
    id: 'delegate.enrol.session',
    group: 'enrolment',
    needs: ['session'],
    clauses: ['delegate.enrol.refused'],
    async run(trial, stage) {
      const shown = Object.entries(stage.configuration.session?.headers ?? {})
      const page = (origin: string): readonly HeaderLine[] => [['origin', origin]]
      const [key, other] = [makeKey(), makeKey()]
      const signedIn = (one: TestKey) => () => enrolment(stage, one, [...page(stage.id), ...shown])
      const first = tokenIn(await trial.control('a page that is signed in', signedIn(key)))
      const claims = readToken(first)?.claims ?? {}
      trial.holds('the agent token is for the new key', Object(claims['cnf']).jwk?.x === key.jwk['x'])
      await trial.refused('there is no session', () => enrolment(stage, makeKey(), page(stage.id)), invalidGrant)
      await trial.refused(
        'the session is of nobody',
        () =>
          enrolment(stage, makeKey(), [
            ...page(stage.id),
            ...shown.map(([name, value]) => [name, altered(value)] as const),
          ]),
        invalidGrant,
      )
      const again = tokenIn(await trial.accepted('the page comes back with another key', signedIn(other)))
      trial.holds('that is the same delegate', readToken(again)?.claims['sub'] === claims['sub'])
    },
  },
]

/** Another value of the same form. */
function altered(value: string): string {
  return value.slice(0, -4) + (value.endsWith('xxxx') ? 'yyyy' : 'xxxx')
}
