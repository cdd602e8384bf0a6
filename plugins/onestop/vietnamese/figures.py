"""Questions about figures: what does not exist, and what to ask for instead."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # names that do not exist
    "all are listed in docs/dictionary.md": "tất cả có trong docs/dictionary.md",
    "all are listed in docs/feeds.md": "tất cả có trong docs/feeds.md",
    "all are listed by `onestop deliveries`": "`onestop deliveries` liệt kê tất cả",
    "all are in mart.unit; use CITY, DEPARTMENT, DISTRICT or COMMUNE for more than one": (
        "tất cả có trong mart.unit; dùng CITY, DEPARTMENT, DISTRICT hoặc COMMUNE cho nhiều đơn vị"
    ),
    "all are in tables()": "tất cả có trong tables()",
    "all are in columns({table!r})": "tất cả có trong columns({table!r})",
    "did you mean {names}?": "có phải là {names}?",
    "there are {names}": "có: {names}",
    "there is no {kind} {asked}": "không có {kind} {asked}",
    "rule code": "mã quy tắc",
    "delivery id": "mã tệp nhận",
    "feed": "loại dữ liệu",
    "state": "trạng thái",
    "source": "nguồn",
    "no indicator {indicator}": "không có chỉ tiêu {indicator}",
    "no method {method}": "không có cách đếm {method}",
    "no unit {unit} had figures on {previous} or {as_of}": (
        "không đơn vị {unit} nào có số liệu ở đêm {previous} hay {as_of}"
    ),
    "no unit {unit} in the register of {night}": (
        "danh sách đơn vị của đêm {night} không có {unit}"
    ),
    "no unit {code}": "không có đơn vị {code}",
    "no report {report_code}": "không có báo cáo {report_code}",
    "its period was over on {period_end}, so that night {night} needs no reason": (
        "kỳ đã hết vào ngày {period_end}, nên đêm {night} không cần lý do"
    ),
    "leave out --because": "bỏ --because",
    "no period basis {basis}": "không có cơ sở kỳ {basis}",
    "level": "cấp",
    "way to sort": "cách sắp xếp",
    "part of a figure": "phần của con số",
    "kind of sign": "loại dấu hiệu",
    "kind of period": "loại kỳ",
    "basis of periods": "cơ sở kỳ",
    "no item of this figure has the reason {asked}": "con số này không có mục nào vì lý do {asked}",
    "a period is asked for by the night that changed it, its kind, basis and first day": (
        "một kỳ được hỏi theo đêm đã đổi nó, loại kỳ, cơ sở và ngày đầu của kỳ"
    ),
    "choose the number of dossiers beside a figure": "hãy bấm vào số hồ sơ bên cạnh con số",
    "night {night} changed no figure of such a period from {start} on": (
        "đêm {night} không đổi con số nào của kỳ như vậy từ ngày {start}"
    ),
    "choose {units}": "hãy chọn {units}",
    "strength of signs": "độ chắc chắn của dấu hiệu",
    "no delivery {name}": "không có tệp nhận {name}",
    "no band {band}": "không có khoảng {band}",
    "no issue {number} of report {code}": "báo cáo {code} không có lần ban hành {number}",
    "{folder} has no file {name}": "{folder} không có tệp {name}",
    "no table {name}": "không có bảng {name}",
    "{table} has no column {column}": "{table} không có cột {column}",
    "no {column} {text} in {table}": "{table} không có {column} {text}",
    "it has {count} different ones": "bảng có {count} giá trị khác nhau",
    "there is no mart {table}": "không có bảng số liệu {table}",
    "{name} has no column {column}": "{name} không có cột {column}",
    "no method {method} of {indicator}": "{indicator} không có cách đếm {method}",
    "no figures of units by month for indicator {indicator}": (
        "chỉ tiêu {indicator} không có số liệu theo đơn vị và tháng"
    ),
    "rule {code} was never evaluated": "quy tắc {code} chưa bao giờ được xét",
    # nights
    "no night is published yet ({error})": "chưa đêm nào được công bố ({error})",
    "no night was run yet": "chưa chạy đêm nào",
    "there is no warehouse yet": "chưa có kho dữ liệu",
    "run `onestop night` first": "hãy chạy `onestop night` trước",
    "run `onestop night` for a night that has its exports": (
        "hãy chạy `onestop night` cho một đêm đã có tệp xuất"
    ),
    "publish one with `onestop night`": "hãy công bố một đêm bằng `onestop night`",
    "night {as_of} is not published": "đêm {as_of} chưa được công bố",
    "published: {nights}": "đã công bố: {nights}",
    "published near it: {nights} (of {count} from {first} to {last})": (
        "đã công bố gần đó: {nights} (trong {count} đêm từ {first} đến {last})"
    ),
    "no night up to {night} is published": "chưa đêm nào đến {night} được công bố",
    "nothing was delivered for night {night}": "đêm {night} không nhận tệp nào",
    "there are deliveries from {first} to {last}": "có tệp nhận từ {first} đến {last}",
    "nothing is known of night {night}": "không biết gì về đêm {night}",
    "an earlier release published the last night, with other reference rows": (
        "đêm công bố gần nhất do một phiên bản cũ hơn công bố, với dữ liệu tham chiếu khác"
    ),
    "an earlier release, which knew no causes, published the last night": (
        "đêm công bố gần nhất do một phiên bản cũ hơn, chưa biết các nguyên nhân, công bố"
    ),
    "this page has an answer again after the next published night": (
        "trang này trả lời được sau đêm công bố tiếp theo"
    ),
    "publish a night with this release, then ask again": (
        "hãy công bố một đêm bằng phiên bản này rồi hỏi lại"
    ),
    "no step of night {night} is known": "không biết bước nào của đêm {night}",
    "`onestop nights` lists the nights": "`onestop nights` liệt kê các đêm",
    # spans of days
    "exchange --from and --to": "đổi chỗ --from và --to",
    "name the earlier night first, then a later one": "nêu đêm trước rồi mới đến đêm sau",
    "the span begins on {first}, after the later night ({as_of})": (
        "khoảng ngày bắt đầu {first}, sau đêm thứ hai ({as_of})"
    ),
    "the span ends ({last}) before it begins ({first})": (
        "khoảng ngày kết thúc ({last}) trước khi bắt đầu ({first})"
    ),
    "the period ends ({last}) before it begins ({first})": (
        "kỳ kết thúc ({last}) trước khi bắt đầu ({first})"
    ),
    "the period begins ({first}) after night {night}": "kỳ bắt đầu ({first}) sau đêm {night}",
    "ask for an earlier period, or publish a later night first": (
        "hỏi một kỳ sớm hơn, hoặc công bố một đêm muộn hơn trước"
    ),
    "choose --from by {as_of}, or a later second night; {published}": (
        "chọn --from không sau {as_of}, hoặc đêm thứ hai muộn hơn; {published}"
    ),
    "the second night ({as_of}) is not after the first one ({previous})": (
        "đêm thứ hai ({as_of}) không ở sau đêm thứ nhất ({previous})"
    ),
    "both nights are the same ({night})": "hai đêm là một ({night})",
    "write it as 2022-11-24": "viết như 2022-11-24",
    "{text} is no date": "{text} không phải là ngày",
    "the year of {text} is out of range": "năm của {text} nằm ngoài khoảng cho phép",
    "ask for years from {first} to {last}": "hãy hỏi các năm từ {first} đến {last}",
    "{text!r} is not a date": "{text!r} không phải là ngày",
    # indicators and methods
    "name one by --indicator": "nêu chỉ tiêu bằng --indicator",
    "method {method} is of no indicator": "không chỉ tiêu nào có cách đếm {method}",
    "no figure of {indicator} by method {method} was ever published": (
        "chưa bao giờ công bố số liệu của {indicator} theo cách đếm {method}"
    ),
    "no figure of {indicator} was ever published": ("chưa bao giờ công bố số liệu của {indicator}"),
    "{indicator} has figures of one level: {level}": "{indicator} có số liệu ở một cấp: {level}",
    "{indicator} is a figure of a level of government, not of one unit": (
        "{indicator} là số liệu của một cấp chính quyền, không phải của một đơn vị"
    ),
    "ask for --unit {level}": "hỏi với --unit {level}",
    "ask for {level}": "hỏi với {level}",
    "ask for CITY, DEPARTMENT, DISTRICT or COMMUNE": (
        "hỏi với CITY, DEPARTMENT, DISTRICT hoặc COMMUNE"
    ),
    "the causes leave {numerator:+}/{denominator:+} of the change unexplained": (
        "các nguyên nhân còn để lại {numerator:+}/{denominator:+} chưa giải thích được"
    ),
    "run `onestop verify --as-of {previous}` and `onestop verify --as-of {as_of}`": (
        "chạy `onestop verify --as-of {previous}` và `onestop verify --as-of {as_of}`"
    ),
    "tell the engineer on duty, who runs `onestop verify --as-of {night}`": (
        "báo người trực hệ thống chạy `onestop verify --as-of {night}`"
    ),
    "the {name} add up to {sums}, but {published} is published for this span, so they are not"
    " listed": (
        "{name} cộng lại thành {sums}, nhưng số đã công bố cho khoảng này là {published}, nên"
        " không liệt kê"
    ),
    "the {name} do not add up to the published figure, so they are not listed": (
        "{name} cộng lại không bằng con số đã công bố, nên không liệt kê"
    ),
    "the figure has too many items for one file": "con số có quá nhiều mục cho một tệp",
    "choose one unit or a shorter span; the engineer on duty can list all of them": (
        "hãy chọn một đơn vị hoặc khoảng ngày ngắn hơn; người trực hệ thống lập được cả danh sách"
    ),
    # items of a figure
    "dossiers": "hồ sơ",
    "tickets": "phiếu",
    "procedures": "thủ tục",
    "units": "đơn vị",
    "declarations": "khai báo",
    # reports
    "report {report_code}": "báo cáo {report_code}",
    "its period is {period_start} to {period_end}; night {night} is before that": (
        "kỳ của nó là {period_start} đến {period_end}; đêm {night} ở trước kỳ đó"
    ),
    "the folder is not there, and this release would make other files of night {as_of_date}": (
        "không còn thư mục, và phiên bản này sẽ tạo ra tệp khác cho đêm {as_of_date}"
    ),
    "restore it from a backup of the landing": "khôi phục thư mục từ bản sao lưu của landing",
    ", provisional: its period ends on {period_end}": ", tạm tính: kỳ hết vào {period_end}",
    "{folder}: {report}, issue {issue_number}, data as of {as_of_date}{provisional}{late}"
    "{existing}": (
        "{folder}: {report}, lần {issue_number}, số liệu đến {as_of_date}{provisional}{late}"
        "{existing}"
    ),
    "; nothing has changed, so this is the existing issue of {date}": (
        "; không có gì thay đổi, nên đây là lần đã ban hành ngày {date}"
    ),
    ", late: its last day was {last_day_date}": ", muộn: hạn cuối là {last_day_date}",
    "no part {part}": "không có phần {part}",
    "no table {asked}": "không có bảng {asked}",
    # pages
    "see the page of nights": "xem trang Các đêm",
    "the overview lists those issued": "trang Tổng quan liệt kê các báo cáo đã ban hành",
    "no report is chosen": "chưa chọn báo cáo nào",
    "no unit is chosen": "chưa chọn đơn vị nào",
    "no file is chosen": "chưa chọn tệp nào",
    "no rule is chosen": "chưa chọn quy tắc nào",
    "there is no page at this address": "không có trang nào ở địa chỉ này",
    "there is no such file": "không có tệp này",
    "there is no such validation report": "không có báo cáo kiểm tra này",
    "the file {name} is gone": "không còn tệp {name}",
    "this page is for the roles that read the record of files and nights; the administrator names"
    " them (ONESTOP_RECORD_ROLES)": (
        "trang này dành cho vai trò được xem hồ sơ ghi nhận các tệp và các đêm; người quản trị chỉ"
        " định vai trò đó (ONESTOP_RECORD_ROLES)"
    ),
    "your login may not see these pages; ask the administrator": (
        "tài khoản này không được xem các trang này; hỏi người quản trị"
    ),
    "a page is only read; it takes no other request": (
        "trang chỉ để xem, không nhận yêu cầu nào khác"
    ),
    "a fault of the pages; the log of Airflow's API server has its traceback": (
        "trang có lỗi chương trình; nhật ký của máy chủ API của Airflow có chi tiết"
    ),
    "see the page of all units": "xem trang Đơn vị",
    # data frames
    "no night is published yet, or this login may not read the marts": (
        "chưa đêm nào được công bố, hoặc tài khoản này không được đọc bảng số liệu"
    ),
    "this login reads the last published night ({night}) only": (
        "tài khoản này chỉ đọc được đêm công bố gần nhất ({night})"
    ),
    "for others use a login in role onestop_auditor": (
        "muốn đọc đêm khác hãy dùng tài khoản có vai trò onestop_auditor"
    ),
    "is a folder": "là một thư mục",
    "name the file, such as …/onestop.duckdb": "nêu tên tệp, như …/onestop.duckdb",
    "name the readers' copy, such as …/published/onestop.duckdb": (
        "nêu bản cho người đọc, như …/published/onestop.duckdb"
    ),
    "SQL reads the tables of night {last}, and these figures are of {as_of}": (
        "SQL đọc các bảng của đêm {last}, còn số liệu này là của {as_of}"
    ),
    "use table(), or open_published() without as_of and the tables …_history": (
        "dùng table(), hoặc open_published() không có as_of và các bảng …_history"
    ),
    "{value!r} is no value of {column}, whose type is {kind}": (
        "{value!r} không phải là giá trị của {column}, có kiểu {kind}"
    ),
    # lineage
    "stated in the SQL (the night, or a constant)": "ghi ngay trong SQL (đêm, hoặc hằng số)",
    "{step} (above)": "{step} (ở trên)",
}
