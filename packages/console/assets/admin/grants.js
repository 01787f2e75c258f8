// Grants: lists, details, and their end.
import { call } from './api.js'
import { count, el, facts, field, link, shown, table, time } from './dom.js'
import { actButton, agentCell, filterForm, nothing, paging, perPage } from './lists.js'

const filterOf = ({ agent, delegate, user, resource }) => ({ agent, delegate, user, resource })

export async function grants(members) {
  const { after } = members
  const filter = filterOf(members)
  const isFiltered = Object.values(filter).some(value => value !== undefined)
  const { items, next } = await call('grants/list', { ...filter, after, limit: perPage })
  return {
    title: 'Grants',
    body: [
      filterForm(
        'grants',
        { label: 'Grants' },
        field('agent', 'Agent', { value: filter.agent, placeholder: 'https://agent.example' }),
        field('delegate', 'Delegate of this agent', { value: filter.delegate }),
        field('user', 'User (sub)', { value: filter.user }),
        field('resource', 'Resource', { value: filter.resource, placeholder: 'https://api.example' }),
      ),
      items.length === 0 ? nothing('No grant fits.') : grantTable(items),
      paging('grants', members, next),
      isFiltered && items.length > 0 && endAll(filter),
    ],
  }
}

function grantTable(items) {
  return table(
    'Grants',
    ['Agent', 'Resource', 'Scopes', 'User', 'Last used', 'Details'],
    items.map(grant => [
      agentCell(grant),
      shown(grant.resource),
      shown(grant.scope.join(' ')),
      grant.user === undefined ? 'by policy' : link('user', { sub: grant.user }, shown(grant.user, 16)),
      time(grant.last_used),
      link('grant', { grant: grant.grant }, 'Grant ', shown(grant.grant, 8)),
    ]),
  )
}

function endAll(filter) {
  const names = Object.entries(filter).filter(([, value]) => value !== undefined)
  return [
    el('h2', {}, 'End all that fit'),
    el(
      'p',
      {},
      'Ends these grants on all pages of the list, with what is remembered and what waits. The resources are told.',
    ),
    el(
      'div',
      { class: 'buttons' },
      actButton('End all of these', {
        danger: true,
        ask: async () => {
          const { items } = await call('grants/list', { ...filter, limit: 1000 })
          return {
            title: 'End all of these grants?',
            words: [
              facts(names.map(([name, value]) => [name, shown(value)])),
              el('p', {}, el('b', {}, count(items.length, 'grant')), ' will end, and cannot be brought back.'),
            ],
            act: 'End them',
          }
        },
        path: 'grants/revoke',
        members: filter,
        done: ended => `${count(ended, 'grant')} ended.`,
      }),
    ),
  ]
}

export async function grant({ grant: id = '' }) {
  const found = await call('grants/show', { grant: id })
  if (found === null) return { title: 'Grant', body: [nothing('There is no such grant, or it has ended.')] }
  const { agent, delegate, resource, scope, user: sub, purposes, conditions, txn, created, last_used } = found
  return {
    title: 'Grant',
    body: [
      facts([
        ['Agent', agentCell({ agent, delegate })],
        ['Resource', shown(resource)],
        ['Scopes', shown(scope.join(' '), 1000)],
        ['Allowed by', sub === undefined ? 'the policy' : link('user', { sub }, shown(sub))],
        ['Purposes', purposes && shown(purposes.join(' '), 1000)],
        [
          'Conditions',
          conditions && el('pre', { tabindex: '0' }, shown(JSON.stringify(conditions, undefined, 2), 5000)),
        ],
        ['Audit id (txn)', txn && shown(txn)],
        ['Since', time(created)],
        ['Last used', time(last_used)],
        ['Name', shown(id)],
      ]),
      el(
        'div',
        { class: 'buttons' },
        actButton('End this grant', {
          danger: true,
          ask: async () => ({
            title: 'End this grant?',
            words: [
              el('p', {}, shown(agent), ' loses access to ', shown(resource), ' at once.'),
              el('p', {}, el('b', {}, '1 grant'), ' will end, and cannot be brought back.'),
            ],
            act: 'End it',
          }),
          path: 'grants/revoke',
          members: { grant: id },
          done: ended => (ended === 0 ? 'The grant had ended before.' : 'The grant has ended.'),
        }),
      ),
    ],
  }
}
