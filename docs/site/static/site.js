// What is wider than the page scrolls by itself: let the keyboard reach it.
const reach = () => {
  for (const one of document.querySelectorAll("pre, .table-wrapper, .sidebar-scroll, .toc-scroll")) {
    const wide = one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight;
    if (wide) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);
