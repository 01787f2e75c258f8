// Users: search, details, blocks and invitations.
import { call } from './api.js'
import { count, el, facts, field, link, show, shown, table, time } from './dom.js'
import { actButton, filterForm, mark, nothing, paging, perPage } from './lists.js'

function check(name, label, checked) {
  return el(
    'label',
    { class: 'check' },
    el('input', { type: 'checkbox', name, value: 'true', checked }),
    el('span', {}, label),
  )
}

const nameOf = ({ name, email, sub }) => shown(name ?? email ?? sub)

export async function users(members) {
  const { search, blocked, after } = members
  const { items, next } = await call('users/list', {
    search,
    after,
    blocked: blocked === 'true' ? true : undefined,
    limit: perPage,
  })
  return {
    title: 'Users',
    body: [
      filterForm(
        'users',
        { label: 'Users' },
        field('search', 'Search', {
          value: search,
          type: 'search',
          hint: 'The beginning of a name or e-mail address, or the whole sub.',
        }),
        check('blocked', 'Only users who are blocked', blocked === 'true'),
      ),
      items.length === 0
        ? nothing('No user fits.')
        : table(
            'Users',
            ['User', 'E-mail', 'Last sign-in', 'State'],
            items.map(user => [
              [link('user', { sub: user.sub }, nameOf(user)), el('small', {}, shown(user.sub))],
              user.email && shown(user.email),
              time(user.last_login),
              user.blocked === undefined ? 'may sign in' : mark('blocked', 'bad'),
            ]),
          ),
      paging('users', members, next),
      el('h2', {}, 'Invite'),
      el('p', {}, 'A link with which one person makes an account. It works once, for a day.'),
      inviteButton('Make a link'),
    ],
  }
}

function inviteButton(words, user) {
  return el(
    'div',
    { class: 'buttons' },
    actButton(words, {
      path: 'users/invite',
      members: { user },
      done: () => 'The link is made.',
      after: ({ url, expires }) =>
        show({
          title: 'Send this link to one person only',
          words: [
            el('pre', { tabindex: '0' }, url),
            el('p', {}, 'It works once, until ', time(expires), '. It is not shown again.'),
          ],
        }),
    }),
  )
}

export async function user({ sub = '' }) {
  const found = await call('users/show', { sub })
  if (found === null) return { title: 'User', body: [nothing('There is no user with this sub.'), unblockUser(sub)] }
  const { created, last_login, blocked, email, passkeys, accounts, sessions, grants } = found
  return {
    title: 'User',
    body: [
      el('p', { class: 'subject' }, nameOf(found), blocked !== undefined && mark('blocked', 'bad')),
      facts([
        ['sub', shown(sub)],
        ['E-mail', email && shown(email)],
        ['Account since', time(created)],
        ['Last sign-in', time(last_login)],
        ['Blocked since', blocked !== undefined && time(blocked)],
        ['Signed in', count(sessions, 'browser')],
        ['Access given', grants === 0 ? 'none' : link('grants', { user: sub }, count(grants, 'grant'))],
      ]),
      el('h2', {}, 'Ways to sign in'),
      passkeys.length + accounts.length === 0
        ? nothing('None.')
        : table(
            'Ways to sign in',
            ['Kind', 'Name', 'Last used'],
            [
              ...passkeys.map(({ name, last_used }) => ['Passkey', shown(name), time(last_used)]),
              ...accounts.map(({ issuer, subject, last_used }) => [
                'Provider',
                [shown(issuer), el('small', {}, shown(subject))],
                time(last_used),
              ]),
            ],
          ),
      el('h2', {}, 'What you can do'),
      blocked === undefined ? blockUser(sub, found) : unblockUser(sub),
      el(
        'p',
        {},
        'For a user who has lost all passkeys: a link that adds one to this account. Make sure that it is them who ask.',
      ),
      inviteButton('Make a link for a new passkey', sub),
    ],
  }
}

function blockUser(sub, found) {
  return el(
    'div',
    { class: 'buttons' },
    actButton('Block this user', {
      danger: true,
      ask: async () => ({
        title: 'Block this user?',
        words: [
          el('p', {}, nameOf(found), ' is signed out everywhere and cannot sign in any more.'),
          el('p', {}, el('b', {}, count(found.grants, 'grant')), ' to agents will end, and cannot be brought back.'),
        ],
        act: 'Block',
      }),
      path: 'users/block',
      members: { sub },
      done: ({ grants }) => `The user is blocked; ${count(grants, 'grant')} ended.`,
    }),
  )
}

function unblockUser(sub) {
  return el(
    'div',
    { class: 'buttons' },
    actButton('Lift the block', {
      path: 'users/unblock',
      members: { sub },
      done: was => (was ? 'The user may sign in again.' : 'The user was not blocked.'),
    }),
  )
}
