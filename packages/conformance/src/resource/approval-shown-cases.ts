import type { Case } from '../case/case.js'
import { Undecided } from '../case/trial.js'
import { approveRoute, ask, askedOf, asks, requested } from './asked-approval.js'
import { denied } from './constrained.js'
import { approveQueryRoute } from './needs.js'
import type { ResourceStage } from './stage.js'

const group = 'approval'
const mark = 'eve4711'

/** A name as another reader may take it for the same. */
const spellings = (name: string): ReadonlyArray<readonly [title: string, name: string]> => [
  ['again', name],
  ['as a list', `${name}[]`],
  ['as an element', `${name}[0]`],
  ['in upper case', name.toUpperCase()],
  ['with a character that nobody sees', `${name}%E2%80%8B`],
]

/** What a user is shown of a request, and what refuses it. @see protocol §9.4 */
export const approvalShownCases: readonly Case<ResourceStage>[] = [
  {
    id: 'approval.shown',
    words: ['A parameter that is shown must stand once', 'The query must be UTF-8'],
    group,
    needs: ['approve', 'approve-query'],
    async run(trial, stage) {
      const route = approveQueryRoute(stage) ?? approveRoute(stage)
      const { operation, user } = await ask(trial, stage, route)
      const [path = '', query = ''] = route.target.split('?')
      const [name = '', value = ''] = query.split('&')[0]?.split('=') ?? []
      if (!String(operation.display).includes(value))
        throw new Undecided('not applicable', 'the parameter of the route is not shown')
      const asking = (target: string) => () =>
        requested(stage, route, { user, change: draft => ({ ...draft, target }) }).request
      const other = askedOf(
        await trial.refused('it has another value', asking(`${path}?${name}=${mark}`), asks),
      ).operation
      trial.holds('the other value is shown', String(other.display).includes(mark), JSON.stringify(other.display))
      for (const [title, again] of spellings(name))
        await trial.refused(
          `the parameter comes ${title}: ${again}`,
          asking(`${route.target}&${again}=${mark}`),
          denied,
        )
      await trial.refused('it is no UTF-8', asking(`${path}?${name}=%FF`), denied)
      await trial.refused('it has a ;', asking(`${path}?${name}=${value};${name}=${mark}`), denied)
    },
  },
]
