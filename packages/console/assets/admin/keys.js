// The signing keys of the server: their states, rotation, and the end of a stolen key.
import { call } from './api.js'
import { el, shown, table, time } from './dom.js'
import { actButton, mark, nothing } from './lists.js'

const states = {
  next: ['signs later', 'good'],
  signing: ['signs now', 'good'],
  retiring: ['ends with its last token', 'good'],
  retired: ['not published any more', 'bad'],
  revoked: ['revoked', 'bad'],
}

const timeOr = seconds => (seconds === undefined || seconds === 0 ? '–' : time(seconds))

export async function keys() {
  const items = await call('keys/list')
  const isRotated = items.length > 0
  return {
    title: 'Keys',
    body: [
      el('p', {}, 'The keys that sign tokens. A next key is published before it signs, so that no token is refused.'),
      isRotated
        ? table('Keys, the oldest first', ['Key', 'State', 'Signs from', 'Published until', 'Act'], items.map(rowOf))
        : nothing('The keys of this server are a fixed list, which its configuration names.'),
      isRotated && [
        el('h2', {}, 'Rotate'),
        el('p', {}, 'Makes the next key now. The one before it retires, and no token is refused.'),
        el(
          'div',
          { class: 'buttons' },
          actButton('Make the next key', { path: 'keys/rotate', done: ({ kid }) => `${kid} signs next.` }),
        ),
      ],
    ],
  }
}

function rowOf({ kid, algorithm, state, signs, until, revoked }) {
  const [words, kind] = states[state] ?? [state, 'bad']
  const isOver = state === 'revoked' || state === 'retired'
  return [
    [shown(kid), el('small', {}, shown(algorithm))],
    mark(words, kind),
    timeOr(signs),
    timeOr(revoked ?? until),
    isOver ? '–' : revoke(kid, state),
  ]
}

function revoke(kid, state) {
  return actButton('Revoke', {
    danger: true,
    ask: async () => ({
      title: 'Revoke this key?',
      words: [
        el(
          'p',
          {},
          'For a key that is in the wrong hands: all tokens that ',
          shown(kid),
          ' has signed are refused from now on.',
        ),
        state === 'signing' && el('p', {}, 'Nothing is signed until the next key has been published for a minute.'),
      ],
      act: 'Revoke',
    }),
    path: 'keys/revoke',
    members: { kid },
    done: result => (result === null ? 'There is no such key, or it was revoked before.' : `${kid} is revoked.`),
  })
}
