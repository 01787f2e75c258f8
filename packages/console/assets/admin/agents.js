// Agents, their delegates, and what is blocked.
import { call } from './api.js'
import { count, el, facts, field, filled, hash, link, shown, table, time } from './dom.js'
import { actButton, mark, nothing, paging, perPage } from './lists.js'

export async function agents(members) {
  const { items, next } = await call('agents/list', { after: members.after, limit: perPage })
  return {
    title: 'Agents',
    body: [
      el('p', {}, 'Agents that have grants. ', link('blocks', {}, 'What is blocked'), ' has a page of its own.'),
      findAgent(),
      items.length === 0
        ? nothing('No agent has a grant.')
        : table(
            'Agents with grants',
            ['Agent', 'Grants', 'State'],
            items.map(({ agent, grants: number, blocked }) => [
              link('agent', { agent }, shown(agent)),
              link('grants', { agent }, count(number, 'grant')),
              blocked === undefined ? 'may ask' : mark(blocked === 'site' ? 'its site is blocked' : 'blocked', 'bad'),
            ]),
          ),
      paging('agents', members, next),
    ],
  }
}

function findAgent() {
  const submit = event => {
    event.preventDefault()
    location.hash = hash('agent', filled(event.currentTarget))
  }
  return el(
    'form',
    { class: 'card filter', role: 'search', 'aria-label': 'Agents', submit },
    field('agent', 'Identifier of an agent', { required: true, placeholder: 'https://agent.example' }),
    el('div', { class: 'buttons' }, el('button', { class: 'solid' }, 'Show')),
  )
}

export async function agent({ agent: id = '' }) {
  const found = await call('agents/show', { agent: id })
  const { grants: number = 0, users: people = 0, blocked, delegates = [] } = found ?? {}
  return {
    title: 'Agent',
    body: [
      el(
        'p',
        { class: 'subject' },
        shown(id),
        blocked !== undefined && mark(blocked === 'site' ? 'its site is blocked' : 'blocked', 'bad'),
      ),
      found === null && el('p', {}, 'This agent has no grant, and is not blocked.'),
      found !== null &&
        facts([
          ['Has', number === 0 ? 'no grants' : link('grants', { agent: id }, count(number, 'grant'))],
          ['From', people === 0 ? 'no user' : count(people, 'user')],
        ]),
      delegates.length > 0 && [
        el('h2', {}, 'Delegates'),
        table(
          'Delegates',
          ['Delegate', 'State', 'Act'],
          delegates.map(({ delegate, blocked: isBlocked }) => [
            shown(delegate),
            isBlocked ? mark('blocked', 'bad') : link('grants', { agent: id, delegate }, 'its grants'),
            isBlocked ? unblock({ agent: id, delegate }) : block({ agent: id, delegate }, 'Block'),
          ]),
        ),
      ],
      el('h2', {}, 'What you can do'),
      blocked === 'site' &&
        el('p', {}, 'Its site is blocked: ', link('blocks', {}, 'lift that block'), ' to let it ask again.'),
      el(
        'div',
        { class: 'buttons' },
        blocked === 'agent' ? unblock({ agent: id }) : block({ agent: id }, 'Block this agent'),
      ),
    ],
  }
}

function whoWords({ agent: id, delegate, site }) {
  if (site !== undefined) return ['all agents of ', shown(site)]
  return delegate === undefined ? [shown(id)] : ['delegate ', shown(delegate), ' of ', shown(id)]
}

function block(whom, words) {
  return actButton(words, {
    danger: true,
    ask: async () => {
      const { grants: number, users: people, agents: names } = await call('agents/affected', whom)
      return {
        title: 'Block?',
        words: [
          el('p', {}, 'This blocks ', whoWords(whom), '.'),
          whom.site !== undefined && el('p', {}, `Agents of this site that have something here: ${names.length}`),
          el(
            'p',
            {},
            el('b', {}, count(number, 'grant')),
            ` of ${count(people, 'user')} will end, and cannot be brought back. Nothing new is given.`,
          ),
        ],
        act: 'Block',
      }
    },
    path: 'agents/block',
    members: whom,
    done: ({ grants: number }) => `Blocked; ${count(number, 'grant')} ended. Other instances know within 5 seconds.`,
  })
}

function unblock(whom) {
  return actButton('Lift the block', {
    path: 'agents/unblock',
    members: whom,
    done: was => (was ? 'The block is lifted. What has ended stays ended.' : 'There was no block.'),
  })
}

export async function blocks({ agent: id, delegate, site }) {
  const items = await call('agents/blocks')
  const whom = { agent: id, delegate, site }
  const isAsked = id !== undefined || site !== undefined
  return {
    title: 'Blocked',
    body: [
      el(
        'p',
        {},
        'Agents, delegates and sites that get nothing. Users who are blocked stand under ',
        link('users', { blocked: true }, 'Users'),
        '.',
      ),
      items.length === 0
        ? nothing('Nothing is blocked.')
        : table(
            'Blocks',
            ['Blocked', 'Since', 'Act'],
            items.map(({ agent: blocked, delegate: name, site: domain, blocked: since }) => [
              whoWords({ agent: blocked, delegate: name, site: domain }),
              time(since),
              unblock({ agent: blocked, delegate: name, site: domain }),
            ]),
          ),
      el('h2', {}, 'Block'),
      blockForm(whom),
      isAsked &&
        el(
          'div',
          { class: 'card' },
          el('p', {}, 'Block ', whoWords(whom), '?'),
          el('div', { class: 'buttons' }, block(whom, 'Block')),
        ),
    ],
  }
}

function blockForm(whom) {
  const submit = event => {
    event.preventDefault()
    const to = hash('blocks', filled(event.currentTarget))
    if (location.hash === to) dispatchEvent(new Event('again'))
    else location.hash = to
  }
  return el(
    'form',
    { class: 'card filter', 'aria-label': 'Block', submit },
    field('agent', 'Agent', { value: whom.agent, placeholder: 'https://agent.example' }),
    field('delegate', 'Only this delegate of it', {
      value: whom.delegate,
      hint: 'sub of its agent token; empty for the whole agent',
    }),
    field('site', 'Or all agents of a site', {
      value: whom.site,
      placeholder: 'acme.example',
      hint: 'a registrable domain',
    }),
    el('div', { class: 'buttons' }, el('button', { class: 'solid' }, 'Look at it')),
  )
}
