// What a model must show: nothing breaks as the protocol stands, honest runs end, and each protection is needed.
import { search } from './spin.mjs'

/**
 * Runs all searches of a model.
 * @returns a row for each: `states`, `steps` of the run that was found, the property `broken`, and a `fault` if that is not as expected
 */
export function checkModel(model) {
  return [
    row(model, { title: 'all protections', macros: [] }),
    ...model.goals.map(goal =>
      row(model, { title: `honest run ${goal} ends`, macros: [`GOAL=${goal}`], reaches: true }),
    ),
    ...model.protections.flatMap(protection => rowsOf(model, protection)),
    ...model.assumptions.map(({ name, property }) =>
      row(model, { title: `without the assumption ${name}`, name, macros: [`REMOVED=${name}`], breaks: property }),
    ),
  ]
}

/** The searches for one protection; for a second line of defence also those with the first one removed. */
function rowsOf(model, { name, property, also }) {
  const removed = `REMOVED=${name}`
  if (also === undefined) return [row(model, { title: `without ${name}`, name, macros: [removed], breaks: property })]
  const only = `ONLY=${property}`
  // Where the first line is itself a second one, its own row shows that nothing breaks without it.
  const isSecond = model.protections.find(first => first.name === also)?.also !== undefined
  return [
    row(model, { title: `without ${name}`, macros: [removed] }),
    ...(isSecond ? [] : [row(model, { title: `without ${also}, for ${property}`, macros: [`REMOVED=${also}`, only] })]),
    row(model, {
      title: `without ${name} and ${also}`,
      name,
      macros: [removed, `ALSO=${also}`, only],
      breaks: property,
    }),
  ]
}

function row(model, { title, name, macros, breaks, reaches = false }) {
  const began = performance.now()
  const { states, steps, broken, reached = false } = search(model.name, macros, reaches || breaks !== undefined)
  const seconds = (performance.now() - began) / 1000
  const fault = faultOf({ broken, reached }, { breaks, reaches })
  return {
    title,
    ...(name && { name }),
    ...(broken && { broken }),
    states,
    steps: reached ? [] : steps,
    seconds,
    fault,
  }
}

function faultOf({ broken, reached }, { breaks, reaches }) {
  if (broken !== breaks) return `${broken ?? 'nothing'} breaks, and ${breaks ?? 'nothing'} was expected to`
  return reached === reaches ? undefined : 'no honest run ends there'
}
