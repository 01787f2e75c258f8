// What an admin sees first.
import { call } from './api.js'
import { el, link, shown, table, time } from './dom.js'
import { nothing } from './lists.js'

const alarmWords = {
  'code-reused': 'A code was used a second time: somebody may have stolen it. Its grant has ended.',
  'epoch-lost': 'The file that detects a restored database was lost.',
  'passkey-copied': 'A passkey was refused because its counter went back: it may be a copy.',
  'resource-not-told': 'A resource could not be told that a grant ended. It is tried again.',
}

function alarmOf(reason) {
  return (
    alarmWords[reason] ??
    (reason.startsWith('admin-') ? `The admin page refused a request: ${reason.slice(6)}` : reason)
  )
}

export async function overview() {
  const { requests, notices, blocks, admins, alarms } = await call('overview')
  const tile = (number, words, path, members) =>
    el(
      'li',
      {},
      el('b', {}, number >= 10_000 ? '10 000+' : String(number)),
      path === undefined ? words : link(path, members, words),
    )
  return {
    title: 'Overview',
    body: [
      el(
        'ul',
        { class: 'tiles' },
        tile(requests, 'requests wait for a user or an agent'),
        tile(notices, 'notices wait for their resource'),
        tile(blocks, 'blocks of agents and sites', 'blocks'),
        tile(admins, 'admins', 'admins'),
      ),
      el('h2', {}, 'Alarms'),
      el('p', { class: 'quiet' }, 'Those of this instance since it started. The log has all of them.'),
      alarms.length === 0
        ? nothing('There was no alarm.')
        : table(
            'Alarms, the newest first',
            ['When', 'What', 'About'],
            alarms.map(({ at, reason, agent, user, grant, peer }) => [
              time(at),
              alarmOf(reason),
              [
                agent !== undefined && el('div', {}, link('agent', { agent }, shown(agent))),
                user !== undefined && el('div', {}, 'user ', link('user', { sub: user }, shown(user))),
                grant !== undefined && el('div', {}, 'grant ', link('grant', { grant }, shown(grant, 12))),
                peer !== undefined && el('div', {}, 'from ', shown(peer)),
              ],
            ]),
          ),
    ],
  }
}
