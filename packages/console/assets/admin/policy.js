// What the server would decide.
import { call } from './api.js'
import { el, facts, field, shown } from './dom.js'
import { filterForm, mark } from './lists.js'

const decisions = {
  direct: ['Granted at once', 'good'],
  consent: ['A user is asked', 'good'],
  deny: ['Denied', 'bad'],
}

export async function policy(members) {
  const { agent: id, delegate, resource, scope, user: sub } = members
  const isAsked = id !== undefined && resource !== undefined && scope !== undefined
  const verdict = isAsked ? await call('policy/test', { agent: id, delegate, resource, scope, user: sub }) : undefined
  return {
    title: 'Try the policy',
    body: [
      el('p', {}, 'What this server would decide now, with its policy and its blocks. Nothing is granted.'),
      filterForm(
        'policy',
        { label: 'Policy', act: 'Try it' },
        field('agent', 'Agent', { value: id, required: true, placeholder: 'https://agent.example' }),
        field('delegate', 'Delegate', { value: delegate, hint: 'empty for the agent itself' }),
        field('resource', 'Resource', { value: resource, required: true, placeholder: 'https://api.example' }),
        field('scope', 'Scopes', { value: scope, required: true, hint: 'set apart by spaces' }),
        field('user', 'User who has said yes (sub)', { value: sub, hint: 'empty: the request is new' }),
      ),
      verdict !== undefined && verdictOf(verdict),
    ],
  }
}

function verdictOf({ decision, reason, conditions, approver, by }) {
  const [words, kind] = decisions[decision] ?? [decision, 'bad']
  return el(
    'section',
    { class: 'card', 'aria-label': 'Decision' },
    el('p', { class: 'subject' }, mark(words, kind)),
    facts([
      ['Reason', reason],
      ['Rules', by && (by.length === 0 ? 'no rule allows it' : by.join(', '))],
      ['Conditions', conditions && el('pre', { tabindex: '0' }, shown(JSON.stringify(conditions, undefined, 2), 5000))],
      ['Approver', approver && shown(approver)],
    ]),
  )
}
