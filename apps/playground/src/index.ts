export type { Addresses } from './addresses.js'
export { type PlayAttacksOptions, playAttacks } from './attacks/play-attacks.js'
export { type CalendarScope, calendar, calendarScopes, calendarWords } from './calendar.js'
export { type CalendarEvent, publicHolidays } from './holidays.js'
export { type Participants, startParticipants } from './participants.js'
export {
  type PlayOptions,
  playScenario,
  playScenarios,
  type ScenarioName,
  type ScenarioResult,
  scenarioNames,
} from './play.js'
export { startPlayground } from './playground.js'
export type { Check } from './stage.js'
export {
  type Account,
  type Asked,
  type Decision,
  type ScriptedUser,
  type StoryUser,
  type StoryUsers,
  scriptedUser,
} from './story-user.js'
