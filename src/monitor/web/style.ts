/** The style sheet of all pages: no fonts, pictures or sheets from anywhere else. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --card: #fff; --text: #1b212b; --quiet: #5b6675; --line: #dde1e7; --accent: #1f5fbf;
  --good: #1a7f4b; --bad: #b3261e; --bad-ground: #fdecea; --warn: #8a5a00; --warn-ground: #fff4dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --card: #1b2129; --text: #e6e9ee; --quiet: #9aa5b4; --line: #2e3641; --accent: #7fb0ff;
    --good: #5fcf94; --bad: #ff8a80; --bad-ground: #3a1d1b; --warn: #ffcb6b; --warn-ground: #382c13;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
h1 { font-size: 1.35rem; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .6rem; }
header { background: var(--card); border-bottom: 1px solid var(--line); padding: .6rem 1rem; display: flex; flex-wrap: wrap; gap: .4rem 1.1rem; align-items: center; }
header .name { font-weight: 650; color: inherit; }
header nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
header nav a { padding: .25rem 0; }
header nav a[aria-current] { color: inherit; font-weight: 600; border-bottom: 2px solid var(--accent); }
header .who { margin-left: auto; display: flex; gap: .7rem; align-items: center; color: var(--quiet); font-size: .87rem; min-width: 0; }
header .who span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
main { max-width: 78rem; margin: 0 auto; padding: 1.1rem 1rem 3rem; }
.card p { margin: 0; }
.quiet { color: var(--quiet); }
.small { font-size: .87rem; }
.taken { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .3rem 1rem; margin-bottom: .8rem; }
.taken h1 { margin: 0; }
.cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .55rem; padding: .85rem 1rem; min-width: 0; }
.card h3 { margin: 0 0 .55rem; font-size: 1rem; display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; }
.figures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .45rem .6rem; margin: 0 0 .6rem; }
.figures div { min-width: 0; }
.figures dt { color: var(--quiet); font-size: .75rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.figures dd { margin: 0; font-variant-numeric: tabular-nums; font-weight: 600; overflow-wrap: anywhere; }
.figures .wide { grid-column: span 2; }
.figures .wide dd { font-size: .87rem; }
.figures .bad dd { color: var(--bad); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: 0; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.badge { font-size: .72rem; font-weight: 600; border-radius: 1rem; padding: .1rem .55rem; background: var(--line); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.chart { margin: .45rem 0 0; }
.chart figcaption { display: flex; justify-content: space-between; gap: .6rem; font-size: .75rem; color: var(--quiet); }
.chart figcaption span:last-child { white-space: nowrap; }
.chart figcaption b { color: var(--text); font-weight: 600; font-variant-numeric: tabular-nums; }
.chart svg { display: block; width: 100%; height: 2.6rem; border-bottom: 1px solid var(--line); }
.chart.tall { margin-bottom: 1rem; }
.chart.tall svg { height: 6rem; }
.chart .area { fill: var(--accent); opacity: .18; }
.chart .line { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.chart.bad .area { fill: var(--bad); }
.chart.bad .line { stroke: var(--bad); }
.chart .axis { display: flex; justify-content: space-between; font-size: .7rem; color: var(--quiet); }
.notice { border-radius: .45rem; padding: .6rem .9rem; margin: 0 0 .8rem; background: var(--card); border: 1px solid var(--line); overflow-wrap: anywhere; }
.notice ul { margin: 0; padding-left: 1.1rem; }
.notice.bad { background: var(--bad-ground); border-color: var(--bad); }
.notice.warn { background: var(--warn-ground); border-color: var(--warn); }
.notice.good { border-color: var(--good); color: var(--good); }
.stale-notice { display: none; }
.stale .stale-notice { display: block; }
.stale main { opacity: .55; }
.confirm { max-width: 44rem; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--quiet); font-size: .75rem; font-weight: 500; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .45rem; padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; font: .83rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; margin: .3rem 0 1rem; }
form.stack { display: grid; gap: .8rem; max-width: 30rem; }
form.row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: 0 0 1rem; }
form.inline { display: inline; }
label { display: grid; gap: .2rem; font-size: .87rem; color: var(--quiet); }
input, select, textarea, button, .button { font: inherit; border-radius: .4rem; border: 1px solid var(--line); padding: .5rem .75rem; background: var(--card); color: var(--text); min-height: 2.6rem; max-width: 100%; }
input:focus-visible, select:focus-visible, textarea:focus-visible, button:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button, .button { cursor: pointer; display: inline-block; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--card); font-weight: 600; }
button.danger { background: var(--bad); border-color: var(--bad); color: var(--card); font-weight: 600; }
header button { white-space: nowrap; border: 0; background: none; padding: .25rem 0; min-height: 0; color: var(--accent); }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin: .8rem 0 0; align-items: center; }
.buttons .button { font-size: .87rem; padding: .35rem .75rem; min-height: 0; }
.log-in { max-width: 24rem; margin: 8vh auto 0; padding: 0 1rem; }
@media (max-width: 44rem) {
  header .who { margin-left: 0; width: 100%; justify-content: space-between; }
  .chart.tall svg { height: 4rem; }
  form.row > * { flex: 1 1 100%; }
  table.stacked thead { display: none; }
  table.stacked, table.stacked tbody { display: grid; gap: .6rem; background: none; border: 0; }
  table.stacked tr { display: grid; background: var(--card); border: 1px solid var(--line); border-radius: .55rem; padding: .4rem 0; }
  table.stacked td { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .6rem; border: 0; padding: .2rem .9rem; }
  table.stacked td::before { content: attr(data-label); color: var(--quiet); font-size: .8rem; }
}
`;
