// The audit log: its events, and what is known of one.
import { call } from './api.js'
import { el, facts, field, link, show, shown, table, time } from './dom.js'
import { filterForm, nothing, paging, perPage } from './lists.js'

/** A value of a person: forgotten ones are gone. */
const personal = (event, name) => event.personal?.[name]?.value
const isForgotten = (event, name) => event.personal?.[name] !== undefined && personal(event, name) === undefined

/** Unix seconds of a time in the zone of the reader. */
function secondsOf(local) {
  const at = Date.parse(local ?? '')
  return Number.isNaN(at) ? undefined : Math.floor(at / 1000)
}

function aboutOf(event) {
  const { agent, delegate, resource, detail = {} } = event
  const user = personal(event, 'user')
  const about = [
    agent !== undefined && el('div', {}, link('agent', { agent }, shown(agent))),
    delegate !== undefined && el('div', {}, 'delegate ', shown(delegate)),
    detail.site !== undefined && el('div', {}, 'site ', shown(detail.site)),
    user !== undefined && el('div', {}, 'user ', link('user', { sub: user }, shown(user, 24))),
    isForgotten(event, 'user') && el('div', {}, 'a user who is forgotten'),
    resource !== undefined && el('div', {}, 'at ', shown(resource)),
    detail.admin !== undefined && el('div', {}, 'admin ', shown(detail.admin)),
  ]
  return about.some(Boolean) ? about : '–'
}

export async function audit(members) {
  const { type, agent, delegate, user, resource, txn, since, until, after } = members
  const query = { type, agent, delegate, user, resource, txn, since: secondsOf(since), until: secondsOf(until) }
  const { events, next } = await call('audit/list', {
    ...query,
    before: after === undefined ? undefined : Number(after),
    limit: perPage,
  })
  return {
    title: 'Audit log',
    body: [
      filterForm(
        'audit',
        { label: 'Audit log' },
        field('type', 'Event', { value: type, placeholder: 'blocked' }),
        field('agent', 'Agent', { value: agent, placeholder: 'https://agent.example' }),
        field('delegate', 'Delegate', { value: delegate }),
        field('user', 'User (sub)', { value: user }),
        field('resource', 'Resource', { value: resource, placeholder: 'https://api.example' }),
        field('txn', 'Audit id (txn)', { value: txn }),
        field('since', 'From', { value: since, type: 'datetime-local' }),
        field('until', 'Before', { value: until, type: 'datetime-local' }),
      ),
      events.length === 0
        ? nothing('No event fits. Events get their places within a second; a server without --audit-key keeps no log.')
        : table(
            'Events, the newest first',
            ['When', 'Event', 'About', 'By', 'Details'],
            events.map(event => [
              time(event.time),
              [shown(event.type), event.detail?.call !== undefined && el('small', {}, shown(event.detail.call))],
              aboutOf(event),
              shown(event.detail?.by ?? '–'),
              link('event', { event: event.id }, `Event ${event.index}`),
            ]),
          ),
      paging('audit', members, next),
    ],
  }
}

async function showProof(id) {
  try {
    const proof = await call('audit/prove', { event: id })
    await show({
      title: 'Proof of this event',
      words: [
        el('p', {}, 'Keep it in a file. Anyone with the public key of the log verifies it with:'),
        el('pre', { tabindex: '0' }, 'countersign audit proof FILE --key KEY'),
        el('pre', { tabindex: '0', class: 'long' }, shown(JSON.stringify(proof), 100_000)),
      ],
    })
  } catch (error) {
    dispatchEvent(new CustomEvent('failed', { detail: error }))
  }
}

export async function event({ event: id = '' }) {
  const found = await call('audit/show', { event: id })
  if (found === null) return { title: 'Event', body: [nothing('There is no such event, or it has no place yet.')] }
  const { type, time: at, index, grant, txn, detail } = found
  const upstream = personal(found, 'upstream_user')
  return {
    title: 'Event',
    body: [
      facts([
        ['Event', shown(type)],
        ['When', time(at)],
        ['Place in the log', String(index)],
        ['About', aboutOf(found)],
        ['Grant', grant && link('grant', { grant }, shown(grant))],
        ['Audit id (txn)', txn && link('audit', { txn }, shown(txn))],
        ['User there', upstream && shown(upstream)],
        ['Details', detail && el('pre', { tabindex: '0' }, shown(JSON.stringify(detail, undefined, 2), 5000))],
        ['Name', shown(id)],
      ]),
      el(
        'div',
        { class: 'buttons' },
        el('button', { type: 'button', click: () => void showProof(id) }, 'Show its proof'),
      ),
    ],
  }
}
