import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import type { Reply } from '../participants/origin.js'
import type { Participant } from '../participants/participant.js'
import type { DecisionForm } from '../user/user.js'
import { askUser, codesOf, type Decided, letDecide, type Waiting } from './asked-user.js'
import type { AuthServerStage } from './stage.js'

const group = 'forgery'
const needs = ['consent', 'user', 'tabs', 'loopback']

/** UIX: what a page of another origin in the browser of a user can do. */
export const forgeryCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'UIX-05',
    words: 'must withstand forgery',
    group,
    needs,
    clauses: ['consent.browser'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const { waiting: own, form } = await seenForm(trial, stage, agent)
      const waiting = await askUser(trial, stage, { agent })
      // The agent knows the link of its user, and what its own browser was shown: no more.
      const fields = form.fields.map(([name, value]): [string, string] => [
        name,
        value === own.requestToken ? waiting.requestToken : value,
      ])
      const attacker = stage.otherAgent
      attacker.origin.answer('/forge', () => forgingPage({ action: form.action, fields }))
      const decided = await refuseWhile(trial, stage, { waiting, meanwhile: () => `${attacker.id}/forge` })
      const forged = attacker.origin.visits.some(({ target }) => target === '/forge')
      if (!forged) throw new Undecided('failed', `could not decide: ${decided.acted.detail}`)
      trial.holds('the forged form gives no code', codesOf(decided).length === 0)
      const errors = decided.answers.map(answer => answer.get('error')).join(' ')
      trial.holds('after it the user can still refuse, and one answer comes', errors === 'access_denied', errors)
    },
  },
]

/** A user refuses, after another tab of the same browser has shown a page. */
function refuseWhile(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly waiting: Waiting; readonly meanwhile: (form: DecisionForm) => string },
): Promise<Decided> {
  const title = 'the user refuses, and another page is open meanwhile'
  return letDecide(trial, stage, { ...o, title, decision: 'refuse' })
}

/** The form by which a request of the agent could be allowed, as a browser of its own has it. @throws Undecided */
async function seenForm(
  trial: Trial,
  stage: AuthServerStage,
  agent: Participant,
): Promise<{ readonly waiting: Waiting; readonly form: DecisionForm }> {
  const waiting = await askUser(trial, stage, { agent })
  let found: DecisionForm | undefined
  const decided = await refuseWhile(trial, stage, {
    waiting,
    meanwhile: form => {
      found = form
      return `${stage.id}/.well-known/aauth-issuer`
    },
  })
  if (found === undefined) throw new Undecided('failed', `could not decide: ${decided.acted.detail}`)
  return { waiting, form: found }
}

/** A page that sends the form as soon as it is shown. */
function forgingPage(form: DecisionForm): Reply {
  const script = `const form = document.createElement('form')
    const forged = ${JSON.stringify(form).replaceAll('<', '\\u003c')}
    form.method = 'post'
    form.action = forged.action
    for (const [name, value] of forged.fields) {
      const field = document.createElement('input')
      ;[field.name, field.value] = [name, value]
      form.append(field)
    }
    document.body.append(form)
    HTMLFormElement.prototype.submit.call(form)`
  return { headers: { 'content-type': 'text/html' }, body: `<title>Forged</title><body><script>${script}</script>` }
}
