/** undici's dispatcher for one origin or several: loading it alone takes half of the time that the whole package takes. */
declare module 'undici/lib/dispatcher/agent.js' {
  import { Agent } from 'undici'

  export default Agent
}
