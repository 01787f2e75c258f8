// Who may use this page.
import { call } from './api.js'
import { count, el, shown, table, time } from './dom.js'
import { actButton } from './lists.js'

export async function admins() {
  const items = await call('admins/list')
  return {
    title: 'Admins',
    body: [
      el(
        'p',
        {},
        'Who may use this page. New ones are added on the server only, so that a browser that was taken over cannot add any:',
      ),
      el('pre', { tabindex: '0' }, 'countersign auth-server admins add NAME …'),
      table(
        'Admins',
        ['Admin', 'Browsers', 'Links that wait', 'Act'],
        items.map(({ name, browsers, links }) => [
          shown(name),
          browsers.length === 0
            ? 'none'
            : browsers.map(({ created, last_used, expires }) =>
                el(
                  'div',
                  { class: 'browser' },
                  'since ',
                  time(created),
                  el('small', {}, 'used ', time(last_used), ', ends ', time(expires)),
                ),
              ),
          String(links),
          actButton('Remove', {
            danger: true,
            ask: async () => ({
              title: 'Remove this admin?',
              words: [
                el(
                  'p',
                  {},
                  shown(name),
                  ' is signed out at once: ',
                  el('b', {}, count(browsers.length, 'browser')),
                  ' and ',
                  el('b', {}, count(links, 'link')),
                  ' will end.',
                ),
              ],
              act: 'Remove',
            }),
            path: 'admins/remove',
            members: { name },
            done: ended => (ended === 0 ? 'There was nothing to end.' : `${name} is removed.`),
          }),
        ]),
      ),
    ],
  }
}
